// The policy of prices: every number in words, another one looked at before it is proposed.
import { expect, test } from "./console";

const SOON = { timeout: 30_000 };

test("another policy is typed, looked at, proposed, and rejected again", async ({ page, open, expectAccessible }) => {
  await open("/optimizer");
  await page.getByRole("link", { name: "Policy", exact: true }).click();
  await expect(page.getByRole("heading", { name: /^Policy, version \d+$/ })).toBeVisible();
  await page.getByLabel("Change at once, up to, %").fill("much");
  await page.getByRole("button", { name: "Show what would change" }).click();
  await expect(page.getByRole("alert")).toContainText("“Change at once, up to”: it is no number of percent");
  const step = page.getByLabel("Change at once, up to, %");
  await expect(step).toHaveValue("much");
  await expect(step).toHaveAttribute("aria-invalid", "true");
  await expect(step).toBeFocused();
  await expectAccessible();

  // All that is wrong at once, each a link to its field, and two that contradict each other by name.
  await page.getByLabel("Lowest price, of the list, %").fill("90");
  await page.getByLabel("Highest price, of the list, %").fill("80");
  await page.getByRole("button", { name: "Show what would change" }).click();
  const wrong = page.locator(".policy-problems li");
  await expect(wrong).toHaveCount(3);
  await expect(wrong.nth(1)).toContainText("It contradicts “Highest price, of the list”.");
  await wrong.nth(2).getByRole("link").first().click();
  await expect(page.getByLabel("Highest price, of the list, %")).toBeFocused();
  await page.getByLabel("Lowest price, of the list, %").fill("70");
  await page.getByLabel("Highest price, of the list, %").fill("150");

  await step.fill("6");
  await page.getByLabel("The answer").selectOption("rollBack");
  await page.getByRole("button", { name: "Show what would change" }).click();
  const asked = page.locator("#asked");
  await expect(asked.getByRole("row", { name: /Change at once, up to 8 % 6 %/ })).toBeVisible();
  await expect(asked.getByRole("row", { name: /The answer propose to take it back take it back at once/ })).toBeVisible();
  await expect(page).toHaveURL(/rules\.0\.limits\.stepMax=6/);
  await expect(asked.getByRole("link", { name: "Rehearse it first" })).toHaveAttribute("href", /stepMax=6/);
  await expectAccessible();
  await asked.getByLabel("Reason, recorded in the ledger").fill("Smaller steps, and back at once");
  await asked.getByRole("button", { name: "Propose this policy" }).click();
  await expect(page).toHaveURL(/\/approvals\/[0-9a-f-]{36}/, SOON);
  await expect(page.locator(".pricing-facts").first()).toContainText("Change at once, up to");
  // The page of approvals is another test's: this one leaves nothing that waits.
  await page.locator("#reject-reason").fill("Only a test");
  await page.getByRole("button", { name: "Reject for good" }).click();
  await expect(page.locator(".pricing-head .badge")).toHaveText("REJECTED", SOON);
});

test.describe("an auditor on a phone", () => {
  test.use({ viewport: { width: 390, height: 800 }, role: "auditor" });

  test("everything is readable and nothing can be changed", async ({ page, open }) => {
    await open("/optimizer/policy");
    await expect(page.getByLabel("Change at once, up to, %")).toBeDisabled();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(390);
  });
});
