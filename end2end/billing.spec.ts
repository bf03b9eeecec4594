// Billing: a month's balances, a tenant's statement, a credit with a reason, a month that is closed;
// read by everybody, changed by an admin, with and without scripts.
//
// Last month is closed once, and the demonstration is shared: one after the other.
import { randomUUID } from "node:crypto";
import type { APIRequestContext, Page } from "@playwright/test";
import { bearer, expect, test } from "./console";

test.describe.configure({ mode: "serial" });

const SOON = { timeout: 20_000 };

/** `2026-10`, so many months before the one that it is now. */
function month(before: number): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - before, 1)).toISOString().slice(0, 7);
}

const LAST = month(1);

type Balances = {
  closing: { decidedBy: string } | null;
  balanced: boolean;
  items: { tenantId: string; creditsUsd: string; penaltiesUsd: string; netUsd: string }[];
};

async function balances(request: APIRequestContext, period: string): Promise<Balances> {
  const answer = await request.get(`/v1/ledger/balances?period=${period}`, bearer("demo-auditor"));
  expect(answer.status()).toBe(200);
  return (await answer.json()) as Balances;
}

/** The story has been told: last month has all its tenants. */
const told = (request: APIRequestContext) =>
  expect(async () => expect((await balances(request, LAST)).items.length).toBe(8)).toPass(SOON);

const row = (page: Page, tenant: string) => page.locator(".balance-table tbody tr", { hasText: tenant });

test("a month says what each tenant owes, and a tenant's statement says why", async ({ page, open, expectAccessible }) => {
  await told(page.request);
  await open("/");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Billing" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Billing");
  await page.getByLabel("Month, UTC").selectOption(LAST);
  await expect(page).toHaveURL(new RegExp(`period=${LAST}`));
  await expect(page.locator(".billing-state")).toContainText("Over, and not closed.");
  await expect(row(page, "helios-ai")).toBeVisible();
  await expect(page.locator(".billing-equal")).toHaveText(/^Debits \$([\d.,]+) = credits \$\1\.$/);
  await expectAccessible();
  await row(page, "acme-labs").getByRole("link").click();
  await expect(page.getByRole("heading", { name: `Statement of acme-labs for ${LAST}` })).toBeVisible();
  const lines = page.locator(".statement-table tbody tr");
  await expect(lines.first()).toContainText("vertex/gemini-2.5");
  await expect(lines.first()).toContainText("a million, since 2026-01-01");
  await expect(lines.filter({ hasText: "Goodwill for slow answers" })).toContainText("−$0.75");
  const { items } = await balances(page.request, LAST);
  const net = Number(items.find((item) => item.tenantId === "acme-labs")!.netUsd);
  const total = (await page.locator(".statement-table tfoot td").innerText()).replace("−", "-").replaceAll(/[$,\u00a0]/g, "");
  expect(Number(total)).toBeCloseTo(net, 9);
  await expect(page.locator(".billing-owed")).toContainText(/of acme-labs for|by acme-labs for/);
  await expect(page.locator(".billing-owed strong")).not.toContainText("−");
  await expect(page.locator(".billing-trial")).toHaveCount(0);
  await expectAccessible();
});

test("an admin adds a credit with a reason", async ({ page, open, expectAccessible }) => {
  await told(page.request);
  await open(`/billing?period=${LAST}&tenant=northwind`);
  await page.getByRole("link", { name: "Add a credit…" }).click();
  const dialog = page.getByRole("dialog", { name: "Credit a tenant" });
  await expect(dialog.getByLabel("Tenant")).toHaveValue("northwind");
  await expectAccessible();
  await dialog.getByRole("link", { name: "Leave it" }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole("link", { name: "Add a credit…" }).click();
  await dialog.getByLabel("Amount, US dollars").fill("0.10");
  await dialog.getByLabel("Reason, recorded in the ledger").fill("a test of credits");
  await dialog.getByRole("button", { name: "Record the credit" }).click();
  await expect(page).toHaveURL(new RegExp(`/billing\\?period=${LAST}&tenant=northwind&done=`));
  await expect(page.locator(".recorded")).toContainText("What was recorded stands in the ledger");
  const credit = page.locator(".statement-table tbody tr", { hasText: "a test of credits" });
  await expect(credit).toContainText("by admin@ternion.example", SOON);
  await expect(credit).toContainText("−$0.10");
  await credit.getByRole("link").click();
  await expect(page.getByText("billing.credit").filter({ visible: true }).first()).toBeVisible();
});

test("usage without a price is named loudly, and the file holds what is charged", async ({ page, open, expectAccessible }) => {
  await told(page.request);
  const period = month(3);
  const payload = {
    kind: "usage", provider: "vertex", model: "unheard-of", region: "eu", inputTokens: 5, outputTokens: 6,
    requestedAt: `${period}-10T12:00:00Z`,
  };
  const event = { tenantId: "solace", eventId: randomUUID(), payload };
  const answer = await page.request.post("/v1/events?wait=final&timeoutMs=20000", { data: event, ...bearer("demo-ingest") });
  expect(answer.status()).toBe(201);
  await expect(async () => expect((await balances(page.request, period)).items.length).toBe(1)).toPass(SOON);
  await open(`/billing?period=${period}`);
  const loud = page.locator(".billing-unpriced");
  await expect(loud).toContainText("1 request had no price and is not charged");
  await expect(loud).toContainText("vertex/unheard-of");
  await expect(row(page, "solace")).toContainText("1 request without a price");
  await expectAccessible();
  const file = await page.request.get(`/v1/ledger/export?period=${LAST}&tenant=helios-ai`, bearer("demo-auditor"));
  const text = (await file.text()).trim().split("\r\n");
  expect(text.length).toBeGreaterThan(10);
  expect(text.slice(1).every((line) => line.startsWith(`${LAST},`) && line.includes(",helios-ai,charge,"))).toBe(true);
});

test.describe("an auditor", () => {
  test.use({ role: "auditor" });

  test("reads everything and is told who credits and closes", async ({ page, open, expectAccessible }) => {
    await told(page.request);
    await open(`/billing?period=${LAST}`);
    await expect(page.locator(".billing-head .held")).toHaveText(
      "The role auditor may not credit tenants or close months; admin may.",
    );
    await expect(page.getByRole("link", { name: "Add a credit…" })).toHaveCount(0);
    await expect(page.getByRole("link", { name: "Close the month…" })).toHaveCount(0);
    await expectAccessible();
    const form = { act: "close", period: LAST, confirmed: "yes" };
    const answer = await page.request.post("/billing/act", { form, maxRedirects: 0 });
    expect(answer.status()).toBe(403);
  });
});

test.describe("in the dark on a phone", () => {
  test.use({ colorScheme: "dark", viewport: { width: 320, height: 800 }, hasTouch: true, isMobile: true });

  test("a statement and the dialog fit and are accessible", async ({ page, open, expectAccessible }) => {
    await told(page.request);
    await open(`/billing?period=${LAST}&tenant=acme-labs`);
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(await wide()).toBe(0);
    await expectAccessible();
    await page.getByRole("link", { name: "Add a credit…" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    expect(await wide()).toBe(0);
    await expectAccessible();
  });
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a wrong credit says what was wrong, and a month is closed with a tick", async ({ page }) => {
    await told(page.request);
    await page.goto(`/billing?period=${LAST}`);
    await page.getByRole("link", { name: "Add a credit…" }).click();
    const credit = page.getByRole("dialog", { name: "Credit a tenant" });
    await credit.getByLabel("Tenant").fill("nobody");
    await credit.getByLabel("Amount, US dollars").fill("1");
    await credit.getByLabel("Reason, recorded in the ledger").fill("a test");
    await credit.getByRole("button", { name: "Record the credit" }).click();
    await expect(page.getByRole("alert")).toContainText("no tenant has that id");
    await expect(credit.getByLabel("Tenant")).toHaveValue("nobody");
    await expect(credit.getByLabel("Tenant")).toHaveAttribute("aria-invalid", "true");
    await expect(credit.getByLabel("Reason, recorded in the ledger")).toHaveValue("a test");
    await page.goto(`/billing?period=${LAST}`);
    await page.getByRole("link", { name: "Close the month…" }).click();
    const close = page.getByRole("dialog", { name: `Close ${LAST}?` });
    await close.getByRole("checkbox").check();
    await close.getByRole("button", { name: "Close the month" }).click();
    await expect(page).toHaveURL(new RegExp(`/billing\\?period=${LAST}&done=`));
    await expect(async () => {
      await page.reload();
      await expect(page.locator(".billing-state")).toContainText("Closed by admin@ternion.example");
    }).toPass(SOON);
    // One of Helios' forty requests failed: a quarter of its charges is given back.
    await expect(row(page, "helios-ai").locator("[data-label=SLA]")).toHaveText(/^−\$\d/);
    await expect(row(page, "acme-labs").locator("[data-label=SLA]")).toHaveText("$0.00");
    await expect(row(page, "acme-labs").locator("[data-label=Net]")).toHaveText(/^\$[\d,]+\.\d\d$/);
    await page.goto(`/billing?period=${LAST}&tenant=helios-ai`);
    await expect(page.locator(".statement-table")).toContainText("1 of 40 requests failed: 25 % of");
    const after = await balances(page.request, LAST);
    expect(after.balanced && after.closing?.decidedBy === "admin@ternion.example").toBe(true);
  });
});
