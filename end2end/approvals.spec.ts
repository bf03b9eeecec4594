// Who approves: while somebody is away, several at once, and what the queue shows of each. And what the
// optimizer's page says of margins, and of a policy that is rehearsed.
//
// The demonstration is shared, and a tenant has one open proposal: one after the other.
import type { APIRequestContext } from "@playwright/test";
import { alive, bearer, expect, test } from "./console";

test.describe.configure({ mode: "serial" });
test.setTimeout(120_000);

const SOON = { timeout: 30_000 };
const REASON = "Only a test of approvals";
const UUID = /[0-9a-f-]{36}/;

type Proposal = { proposalId: string; version: number; hash: string; state: string };

/** A new one, whatever is open about the tenant. */
async function propose(request: APIRequestContext, tenantId: string, priceOfList: string, token = "demo-controller"): Promise<Proposal> {
  const data = { tenantId, priceOfList, reason: REASON };
  const wish = () => request.post("/v1/proposals?wait=final", { ...bearer(token), data });
  let answer = await wish();
  if (answer.status() === 409) {
    const queue = (await (await request.get(`/v1/approvals?tenant=${tenantId}`, bearer("demo-admin"))).json()) as { items: Proposal[] };
    for (const item of queue.items) await reject(request, item);
    answer = await wish();
  }
  expect(answer.status(), await answer.text()).toBe(201);
  return (await answer.json()) as Proposal;
}

async function reject(request: APIRequestContext, { proposalId, version, hash }: Proposal): Promise<void> {
  const data = { version, hash, reason: REASON };
  const answer = await request.post(`/v1/approvals/${proposalId}/reject?wait=final`, { ...bearer("demo-admin"), data });
  expect([201, 202, 409]).toContain(answer.status());
}

/** As what is open now, so that a test leaves nothing behind. */
async function stateOf(request: APIRequestContext, { proposalId }: Proposal): Promise<string> {
  const answer = await request.get(`/v1/proposals/${proposalId}`, bearer("demo-auditor"));
  return ((await answer.json()) as Proposal).state;
}

/** The last day of a short leave, as a date field has it. */
const tomorrow = () => new Date(Date.now() + 24 * 3_600_000).toISOString().slice(0, 10);

test("somebody approves in the stead of an admin who is away, until it is taken back", async ({ page, open, browser, clouds, request, sessionOf, expectAccessible }) => {
  const proposal = await propose(request, "quanta", "1.3", "demo-admin2");
  await open("/approvals");
  await page.getByText("Have somebody approve for you…").click();
  await page.locator("#stead-delegate").selectOption("controller@ternion.example");
  await page.getByLabel("Last day").fill(tomorrow());
  await page.locator("#stead-reason").fill("On leave");
  await page.getByRole("button", { name: "Record it" }).click();
  await expect(page.locator(".stead-list")).toContainText("controller@ternion.example approves for you", SOON);
  await alive(page);
  await expectAccessible();

  const context = await browser.newContext({ baseURL: clouds.gcp, storageState: await sessionOf("controller") });
  const other = await context.newPage();
  await other.goto("/approvals");
  await expect(other.locator(".stead-list")).toContainText("You approve for admin@ternion.example");
  await other.goto(`/approvals/${proposal.proposalId}`);
  await expect(other.locator("#approve-person")).toContainText("For admin@ternion.example, who is away");
  await expect(other.locator(".acts .held")).toHaveText("You approve for whoever is away; a delegate rejects nothing.");
  await expect(other.getByRole("button", { name: "Reject for good" })).toHaveCount(0);
  await other.getByLabel(/^Your password/).fill("three clouds agree");
  await other.getByRole("button", { name: "Approve version 1" }).click();
  await expect(other.locator(".pricing-history")).toContainText("controller@ternion.example approved version 1 for admin@ternion.example", SOON);

  // The vote is the admin's, and there is one of it.
  await open(`/approvals/${proposal.proposalId}`);
  await expect(page.locator(".acts .held")).toContainText("One person has one vote, and yours is given");
  await expect(page.getByRole("button", { name: "Approve version 1" })).toHaveCount(0);

  await open("/approvals");
  await page.locator(".stead-list summary").click();
  await page.locator(".stead-list").getByRole("button", { name: "Take it back" }).click();
  await expect(page.locator(".stead-list li")).toHaveCount(0, SOON);
  await reject(request, proposal);
  await context.close();
});

test("the queue is filtered by its address, says what each would do, and several are approved at once", async ({ page, open, request, expectAccessible }) => {
  const low = [await propose(request, "quanta", "1.01"), await propose(request, "fenwick", "1.01")];
  const high = await propose(request, "juniper", "1.3");
  await open("/approvals?class=low");
  const table = page.locator(".proposal-table").first();
  await expect(table.locator("tbody tr[data-risk=high]")).toHaveCount(0);
  await expect(table.getByRole("link", { name: "quanta" })).toBeVisible();
  await expect(table.locator("tr", { hasText: "quanta" })).toContainText(/in \d+ days/);
  await page.locator("select[name=class]").selectOption("high");
  await expect(page).toHaveURL(/class=high/);
  await expect(table.getByRole("link", { name: "juniper" })).toBeVisible();
  await expect(table.locator("input[type=checkbox]")).toHaveCount(0);
  await page.goBack();
  await expect(table.getByRole("link", { name: "quanta" })).toBeVisible();
  await expectAccessible();

  // By keyboard: to a row, pick it, go on, confirm.
  await table.getByRole("link", { name: "quanta" }).focus();
  await page.keyboard.press("x");
  await expect(table.getByLabel(/Pick the proposal about quanta/)).toBeChecked();
  await table.getByLabel(/Pick the proposal about fenwick/).check();
  await table.getByRole("link", { name: "fenwick" }).focus();
  await page.keyboard.press("b");
  await expect(page).toHaveURL(/\/approvals\/together\?pick=/);
  await expect(page.locator(".together-list > li")).toHaveCount(2);
  await expect(page.locator(".together-list")).toContainText("Version 1");
  await expectAccessible();
  await page.keyboard.press("a");
  await expect(page.locator("#approve-together")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator(".together-done")).toHaveCount(2, SOON);
  await expect(page.getByRole("heading", { name: "2 of 2 were approved by you." })).toBeVisible();
  for (const proposal of low) await expect.poll(() => stateOf(request, proposal), SOON).toBe("applied");
  expect(await stateOf(request, high)).toBe("pending");

  // What puts more at stake is not approved so, even if it is asked for by its address.
  await open(`/approvals/together?pick=${high.proposalId}`);
  await expect(page.locator(".together-list")).toContainText("It puts more at stake");
  await expect(page.locator("#approve-together")).toHaveCount(0);
  await reject(request, high);
  for (const tenant of ["quanta", "fenwick"]) {
    const back = await request.post(`/v1/prices/${tenant}/rollback?wait=final`, { ...bearer("demo-admin"), data: { reason: REASON } });
    expect([201, 202]).toContain(back.status());
  }
});

test("margins have quantiles and a trend, and those outside their band are found by an address", async ({ page, open, expectAccessible }) => {
  await open("/optimizer");
  const rows = page.locator(".margin-table tbody tr");
  const all = await rows.count();
  expect(all).toBeGreaterThan(0);
  const spread = page.locator(".margin-spread").first();
  await expect(spread).toHaveText(/−?[\d.]+ %, −?[\d.]+ %, −?[\d.]+ %/);
  const trend = page.getByRole("img", { name: /^Margin of [a-z-]+ by day: from/ }).first();
  await expect(trend).toBeVisible();
  await page.locator(".trend-days summary").first().click();
  await expect(page.locator(".trend-days p").first()).toContainText(/\d{4}-\d{2}-\d{2} −?[\d.]+ %/);
  await page.getByRole("link", { name: /^Below 35 %/ }).click();
  await expect(page).toHaveURL(/band=below/);
  await expect(rows.filter({ has: page.locator("[data-band=within], [data-band=above]") })).toHaveCount(0);
  await page.getByRole("link", { name: /^All/ }).click();
  await expect(rows).toHaveCount(all);
  await expectAccessible();
});

test("a policy is rehearsed over the recorded usage, and nothing is recorded of it", async ({ page, open, request }) => {
  const version = async () => ((await (await request.get("/v1/policy", bearer("demo-auditor"))).json()) as { version: number }).version;
  const before = await version();
  await open("/optimizer");
  await page.locator("#rehearse-days").fill("10");
  await page.locator("#rehearse-stepMax").fill("6");
  await page.getByRole("button", { name: "Rehearse this policy" }).click();
  await expect(page).toHaveURL(/rehearse=yes/);
  const outcome = page.locator(".rehearsed");
  await expect(outcome).toContainText("Another policy than the one in force", SOON);
  await expect(outcome).toContainText("too few to judge");
  await expect(outcome.getByRole("row", { name: /Looks at them/ })).toBeVisible();
  expect(await version()).toBe(before);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("somebody stands in and is recalled, several are approved, and a policy is rehearsed by forms", async ({ page, request }) => {
    const low = await propose(request, "juniper", "1.01");
    await page.goto("/approvals");
    await page.getByText("Have somebody approve for you…").click();
    await page.getByLabel("Last day").fill("2020-01-01");
    await page.locator("#stead-reason").fill("On leave");
    await page.getByRole("button", { name: "Record it" }).click();
    await expect(page.getByRole("alert")).toContainText("in the future");
    // The form stands open, with what was typed, and says where it is wrong.
    await expect(page.getByLabel("Last day")).toHaveValue("2020-01-01");
    await expect(page.getByLabel("Last day")).toHaveAttribute("aria-invalid", "true");
    await expect(page.locator("#stead-reason")).toHaveValue("On leave");
    await page.getByLabel("Last day").fill(tomorrow());
    await page.getByRole("button", { name: "Record it" }).click();
    await expect(page.locator(".stead-list li")).toHaveCount(1);
    await page.locator(".stead-list summary").click();
    await page.locator(".stead-list").getByRole("button", { name: "Take it back" }).click();
    await expect(page.locator(".stead-list li")).toHaveCount(0);

    await page.getByLabel(/Pick the proposal about juniper/).check();
    await page.getByRole("button", { name: "Approve those that are picked…" }).click();
    await expect(page).toHaveURL(new RegExp(`pick=${UUID.source}`));
    await page.getByRole("button", { name: "Approve 1 price" }).click();
    await expect(page.locator(".together-done")).toHaveCount(1);
    await expect.poll(() => stateOf(request, low), SOON).toBe("applied");
    const back = await request.post("/v1/prices/juniper/rollback?wait=final", { ...bearer("demo-admin"), data: { reason: REASON } });
    expect([201, 202]).toContain(back.status());

    await page.goto("/optimizer");
    await page.locator("#rehearse-days").fill("10");
    await page.getByRole("button", { name: "Rehearse this policy" }).click();
    await expect(page.locator(".rehearsed")).toContainText("which is in force");
  });
});
