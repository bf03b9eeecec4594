// Keys: rotated by an admin with a reason, reported stolen and agreed to at both other clouds, read
// by everybody; with and without scripts.
//
// A cloud begins one epoch at a time, and the demonstration is shared: one after the other.
import type { APIRequestContext, Page } from "@playwright/test";
import { bearer, email, expect, PASSWORD, test } from "./console";

test.describe.configure({ mode: "serial" });

const HOLDS = { timeout: 20_000 };

type Epoch = { epoch: number; state: string };
type Keys = { clouds: Record<string, { epochs: Epoch[] }>; requests: { record: string; origin: string; agreed: boolean }[] };

async function keys(request: APIRequestContext, cloud = ""): Promise<Keys> {
  const answer = await request.get(`${cloud}/v1/keys`, bearer("demo-auditor"));
  expect(answer.status()).toBe(200);
  return (await answer.json()) as Keys;
}

const current = async (request: APIRequestContext, cloud = "gcp") => (await keys(request)).clouds[cloud]!.epochs[0]!;
const card = (page: Page, cloud: string) => page.locator(`.key-cloud.of-${cloud}`);

/** Waits until the newest epoch of gcp counts; gives its number. */
async function settled(request: APIRequestContext): Promise<number> {
  let epoch = 0;
  await expect(async () => {
    const newest = await current(request);
    expect(newest.state).toBe("current");
    epoch = newest.epoch;
  }).toPass(HOLDS);
  return epoch;
}

test("an admin rotates the keys, and is told first what will happen", async ({ page, open, expectAccessible }) => {
  test.slow(); // the page is judged in each of its states
  const before = await settled(page.request);
  await open("/ledger");
  await page.getByRole("link", { name: /^Keys/ }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Keys");
  await expect(card(page, "gcp")).toContainText(`Epoch ${before}`);
  await expectAccessible();
  await page.getByRole("link", { name: "Rotate keys…" }).click();
  const dialog = page.getByRole("dialog", { name: "Rotate the keys of Google Cloud?" });
  await expect(dialog).toContainText(`epoch ${before + 1} of its log begins at once`);
  await expectAccessible();
  await dialog.getByRole("link", { name: "Leave the keys" }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole("link", { name: "Rotate keys…" }).click();
  await dialog.getByLabel("Reason, recorded in the ledger").fill("a test of rotation");
  await dialog.getByRole("checkbox").check();
  await dialog.getByRole("button", { name: "Rotate keys" }).click();
  await expect(page).toHaveURL(/\/ledger\/keys\?done=/);
  await expect(card(page, "gcp").locator(".badge").first()).toHaveText("CURRENT", HOLDS);
  await expect(card(page, "gcp")).toContainText(`Epoch ${before + 1}`);
  await expect(card(page, "gcp")).toContainText("Begun because its keys were rotated; approved by");
  await card(page, "gcp").locator(".key-history summary").click();
  await expect(card(page, "gcp").locator(".key-history li").first()).toContainText(`Epoch ${before}`);
  await expectAccessible();
  const told = await page.request.get("/v1/events?kind=key.begin", bearer("demo-auditor"));
  expect(((await told.json()) as { items: unknown[] }).items.length).toBeGreaterThan(0);
});

test("a stolen key is replaced once an admin at each other cloud has agreed", async ({ page, open, browser, clouds, expectAccessible }) => {
  test.slow();
  const before = await settled(page.request);
  await open("/ledger/keys");
  await page.getByRole("link", { name: "Report stolen or lost…" }).click();
  const dialog = page.getByRole("dialog", { name: "What happened to the keys of Google Cloud?" });
  await expectAccessible();
  await dialog.getByLabel("Stolen: somebody else may hold it").check();
  await dialog.getByLabel("Reason, recorded in the ledger").fill("a laptop is missing");
  await dialog.getByRole("checkbox").check();
  await dialog.getByRole("button", { name: "Begin a new epoch" }).click();
  const waits = card(page, "gcp").locator(".key-waits");
  await expect(waits).toContainText("an admin at each of the other two clouds has agreed", HOLDS);
  await expect(waits).toContainText("AWS has not approved it yet", HOLDS);
  await expectAccessible();
  // The people at AWS, at their own console.
  await expect(async () => expect((await keys(page.request, clouds.aws)).requests.map((one) => one.origin)).toContain("gcp")).toPass(HOLDS);
  const there = await browser.newContext({ baseURL: clouds.aws });
  const form = { email: email("admin"), password: PASSWORD, next: "/ledger/keys" };
  await there.request.post("/sign-in", { form, maxRedirects: 0 });
  const aws = await there.newPage();
  await aws.goto("/ledger/keys");
  const request = aws.locator(".key-request");
  await expect(request).toContainText("Google Cloud asks for new keys, because its key may be in other hands", HOLDS);
  await expect(request).toContainText("It cannot be taken back.");
  await request.getByLabel("Reason, recorded in the ledger").fill("they told us so by telephone");
  await request.getByRole("checkbox").check();
  await request.getByRole("button", { name: "Agree" }).click();
  await expect(aws.locator('.key-request[data-agreed="true"]')).toContainText("Somebody here has agreed.", HOLDS);
  await there.close();
  // And a program of those at Azure.
  await expect(async () => {
    const asked = (await keys(page.request, clouds.azure)).requests.find((one) => one.origin === "gcp");
    expect(asked).toBeTruthy();
    const answer = await page.request.post(`${clouds.azure}/v1/epochs/${asked!.record}/agree`, { data: { reason: "a test" }, ...bearer("demo-admin") });
    expect(answer.status()).toBe(201);
  }).toPass(HOLDS);
  await expect(card(page, "gcp").locator(".badge").first()).toHaveText("CURRENT", HOLDS);
  await expect(card(page, "gcp")).toContainText(`Epoch ${before + 1}`);
  await card(page, "gcp").locator(".key-history summary").click();
  await expect(card(page, "gcp").locator(".key-history .badge").first()).toHaveText("REVOKED");
});

test.describe("an auditor", () => {
  test.use({ role: "auditor" });

  test("reads every key and is told who changes them", async ({ page, open, expectAccessible }) => {
    await open("/ledger/keys");
    await expect(page.locator(".key-cloud")).toHaveCount(3);
    await expect(page.locator(".keys .held").first()).toHaveText(
      "The role auditor may not change keys or agree to another cloud's; admin may.",
    );
    await expect(page.getByRole("link", { name: "Rotate keys…" })).toHaveCount(0);
    const answer = await page.request.post("/v1/epochs", { data: { reason: "rotation", comment: "x" }, ...bearer("demo-auditor") });
    expect(answer.status()).toBe(403);
    await expectAccessible();
  });
});

test.describe("in the dark on a phone", () => {
  test.use({ colorScheme: "dark", viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });

  test("the page and its dialog are accessible", async ({ page, open, expectAccessible }) => {
    await open("/ledger/keys");
    await expectAccessible();
    await page.getByRole("link", { name: "Report stolen or lost…" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await expectAccessible();
  });
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("keys are rotated with a reason, and not without a tick", async ({ page }) => {
    const before = await settled(page.request);
    await page.goto("/ledger/keys?problem=not_confirmed");
    await expect(page.getByRole("alert")).toContainText("tick the box");
    await page.getByRole("link", { name: "Rotate keys…" }).click();
    const dialog = page.getByRole("dialog", { name: "Rotate the keys of Google Cloud?" });
    await dialog.getByLabel("Reason, recorded in the ledger").fill("a test without scripts");
    await dialog.getByRole("checkbox").check();
    await dialog.getByRole("button", { name: "Rotate keys" }).click();
    await expect(page).toHaveURL(/\/ledger\/keys\?done=/);
    await expect(async () => {
      await page.reload();
      await expect(card(page, "gcp")).toContainText(`Epoch ${before + 1}`);
    }).toPass(HOLDS);
  });
});
