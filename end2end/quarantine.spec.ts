// What is held without effect: a client's mistake, a forged message, one id at two clouds; seen by
// everybody, decided by an admin, with and without scripts.
import { randomUUID } from "node:crypto";
import type { APIRequestContext } from "@playwright/test";
import { bearer, expect, test } from "./console";

const FINAL = "wait=final&timeoutMs=20000";
const HELD = { timeout: 20_000 };

const event = (eventId: string, note: string) => ({ tenantId: "acme-labs", eventId, payload: { kind: "end2end.held", note } });

/** Sends two contents under one id; the second is refused and held. Gives its page. */
async function refused(request: APIRequestContext, note: string): Promise<string> {
  const id = randomUUID();
  const first = await request.post(`/v1/events?${FINAL}`, { data: event(id, "the first"), ...bearer("demo-ingest") });
  expect(first.status()).toBe(201);
  const second = await request.post("/v1/events", { data: event(id, note), ...bearer("demo-ingest") });
  expect(second.status()).toBe(409);
  return found(request, (item) => item.eventId === id);
}

type Item = { id: string; eventId: string | null; source: string; state: string };

async function found(request: APIRequestContext, fits: (item: Item) => boolean): Promise<string> {
  let id: string | undefined;
  await expect(async () => {
    const page = await request.get("/v1/quarantine?state=held", bearer("demo-auditor"));
    id = ((await page.json()) as { items: Item[] }).items.find(fits)?.id;
    expect(id).toBeTruthy();
  }).toPass(HELD);
  return `/ledger/quarantine/${id}`;
}

const reject = (request: APIRequestContext, page: string) =>
  request.post(`/v1/quarantine/${page.split("/").pop()}/reject?${FINAL}`, { data: { reason: "end of the test" }, ...bearer("demo-admin") });

test("what was refused is shown beside what is recorded, and released under a new id", async ({ page, open, expectAccessible }) => {
  const path = await refused(page.request, "the second");
  await open("/ledger");
  await page.getByRole("link", { name: /^Quarantine/ }).click();
  await page.getByLabel("State").selectOption("held");
  await expect(page).toHaveURL(/state=held/);
  await page.locator(`.held-table a[href="${path}"]`).click();
  await expect(page.locator(".held-head")).toContainText("One event id was used for different contents.");
  const cards = page.locator(".content-card");
  await expect(cards).toHaveCount(2);
  await expect(cards.first()).toContainText("the second");
  await expect(cards.last()).toContainText("the first");
  await expectAccessible();
  const form = page.locator(".act-form", { has: page.getByRole("button", { name: "Release" }) });
  await form.getByLabel("Reason, recorded in the ledger").fill("the second is right");
  await form.getByRole("checkbox").check();
  await form.getByRole("button", { name: "Release" }).click();
  await expect(page.locator(".held-head .badge")).toHaveText("RELEASED", HELD);
  await expect(page.locator(".decided")).toContainText("admin@ternion.example released it on");
  await page.getByRole("link", { name: "a new event" }).click();
  await expect(page.getByText('"the second"').filter({ visible: true }).first()).toBeVisible();
});

test.describe("an auditor", () => {
  test.use({ role: "auditor" });

  test("sees everything and is told who decides", async ({ page, open, expectAccessible }) => {
    const path = await refused(page.request, "only to be looked at");
    await open(path);
    await expect(page.locator(".acts .held")).toHaveText(
      "The role auditor may not release or reject what is held in quarantine; admin may.",
    );
    await expect(page.getByRole("button", { name: "Reject" })).toBeDisabled();
    await expect(page.locator(".code").first()).toContainText("only to be looked at");
    await expectAccessible();
    expect((await reject(page.request, path)).status()).toBe(201);
  });
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("an input is rejected with a reason, and not without looking", async ({ page }) => {
    const path = await refused(page.request, "to be rejected");
    await page.goto(`${path}?problem=not_confirmed`);
    await expect(page.getByRole("alert")).toContainText("tick the box");
    const form = page.locator(".act-form", { has: page.getByRole("button", { name: "Reject" }) });
    await form.getByLabel("Reason, recorded in the ledger").fill("a test");
    await form.getByRole("checkbox").check();
    await form.getByRole("button", { name: "Reject" }).click();
    await expect(page.locator(".held-head .badge")).toHaveText("REJECTED");
    await expect(page.locator(".decided")).toContainText("“a test”");
  });
});

test("a forged message is held as from somebody who says to be a cloud", async ({ page, open }) => {
  const headers = { "x-ternion-from": "aws", "x-ternion-signature": Buffer.alloc(64, 3).toString("base64") };
  const answer = await page.request.post("/peer/v1/append", { headers, data: `forged ${randomUUID()}` });
  expect(answer.status()).toBe(401);
  const path = await found(page.request, (item) => item.source === "unproven:aws");
  await open("/");
  await expect(page.locator(".needs-card")).toContainText("refused input");
  await open(path);
  await expect(page.locator(".held-head")).toContainText("It says to come from aws, whose transport key did not sign it.");
  await expect(page.locator(".acts")).toContainText("It can only be rejected.");
  await expect(page.locator(".code").first()).toContainText("forged");
  expect((await reject(page.request, path)).status()).toBe(201);
  await expect(page.locator(".held-head .badge")).toHaveText("REJECTED", HELD);
});

test("of two contents that two clouds recorded under one id an admin chooses one", async ({ page, open, clouds }) => {
  const id = randomUUID();
  // At once, before either has heard of the other's.
  const both = await Promise.all([
    page.request.post(`${clouds.gcp}/v1/events`, { data: event(id, "at gcp"), ...bearer("demo-ingest") }),
    page.request.post(`${clouds.aws}/v1/events`, { data: event(id, "at aws"), ...bearer("demo-ingest") }),
  ]);
  test.skip(both.some((answer) => answer.status() !== 201), "one cloud heard of the other's in time");
  const path = await found(page.request, (item) => item.eventId === id);
  await open(path);
  await expect(page.locator(".content-card")).toHaveCount(2);
  const form = page.locator(".act-form", { has: page.getByRole("button", { name: "Release" }) });
  await form.getByRole("radio").last().check();
  await form.getByLabel("Reason, recorded in the ledger").fill("the later one is right");
  await form.getByRole("checkbox").check();
  await form.getByRole("button", { name: "Release" }).click();
  await expect(page.locator(".held-head .badge")).toHaveText("RELEASED", HELD);
  await expect(page.locator('.content-card[data-chosen="true"]')).toHaveCount(1);
  // The decision counts at every cloud.
  const there = async () => {
    const answer = await page.request.get(`${clouds.azure}/v1/quarantine/${id}~acme-labs`, bearer("demo-auditor"));
    return answer.ok() ? ((await answer.json()) as { row: { state: string } }).row.state : "";
  };
  await expect.poll(there, HELD).toBe("released");
});

test.describe("on a phone in the dark", () => {
  test.use({ viewport: { width: 320, height: 800 }, hasTouch: true, isMobile: true, colorScheme: "dark" });

  test("a held item fits and is accessible", async ({ page, open, expectAccessible }) => {
    const path = await refused(page.request, "on a small screen");
    await open(path);
    await expect(page.locator(".content-card")).toHaveCount(2);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    await expectAccessible();
    await open("/ledger/quarantine");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    expect((await reject(page.request, path)).status()).toBe(201);
  });
});
