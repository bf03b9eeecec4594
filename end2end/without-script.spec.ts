// Every page is complete before any script runs, and without one.
import { email, expect, PAGES, test } from "./console";

test.use({ javaScriptEnabled: false });

const HEADINGS: Record<string, string> = {
  "/": "Overview",
  "/ledger": "Ledger",
  "/ledger/quarantine": "Quarantine",
  "/ledger/evidence": "Evidence",
  "/ledger/keys": "Keys",
  "/anchors": "Anchors",
  "/billing": "Billing",
  "/scenarios": "Scenarios",
  "/optimizer": "Optimizer",
  "/optimizer/tenants": "Tenants",
  "/optimizer/tiers": "Tiers and list prices",
  "/optimizer/policy": "Policy",
  "/approvals": "Approvals",
  "/fabric": "Fabric",
  "/verify": "Verify",
  "/lab": "Fault lab",
};

for (const path of PAGES) {
  test(`${HEADINGS[path]} is readable without JavaScript`, async ({ page }) => {
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(200);
    await expect(page.getByRole("heading", { name: HEADINGS[path], level: 1 })).toBeVisible();
    await expect(page.locator(".health")).toContainText("of 3 clouds");
    await expect(page.locator(".skeleton")).toHaveCount(0);
  });
}

test("the ledger filters without JavaScript", async ({ page }) => {
  await page.goto("/ledger");
  await page.getByLabel("Origin").selectOption("gcp");
  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await expect(page).toHaveURL(/origin=gcp/);
  await expect(page.locator("[data-label=Origin]").first()).toContainText("gcp");
});

test("an event says without JavaScript how to verify it elsewhere", async ({ page, replicated }) => {
  await page.goto(replicated);
  await expect(page.locator("#proof-title")).toContainText("not checked yet");
  await expect(page.locator(".proof")).toContainText("ternion verify");
});

test("colours change without JavaScript", async ({ page }) => {
  await page.goto("/ledger");
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page).toHaveURL(/\/ledger/);
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test.describe("to nobody in particular", () => {
  test.use({ role: null });

  test("the door opens without JavaScript", async ({ page }) => {
    await page.goto("/ledger");
    await page.locator("button.person", { hasText: email("auditor") }).click();
    await expect(page.getByRole("heading", { name: "Ledger", level: 1 })).toBeVisible();
  });
});
