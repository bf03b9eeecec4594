// Tenants, tiers and list prices on screen: a price from a time on, a tenant that changes its tier, two
// who change it at once, and a contract that a second admin approves.
//
// What is set stays set, and the demonstration is shared: one after the other.
import { expect, test } from "./console";

test.describe.configure({ mode: "serial" });

const SOON = { timeout: 30_000 };
const ID = `northwind-${Date.now().toString(36)}`;

test("an admin describes a tier, prices it from a time on, and adds a tenant to it", async ({ page, open, expectAccessible }) => {
  await open("/optimizer");
  await page.getByRole("navigation", { name: "Parts of the optimizer" }).getByRole("link", { name: "Tiers and list prices" }).click();
  await expect(page.getByRole("heading", { name: /tiers on this platform/ })).toBeVisible();
  await page.getByText("New tier…").click();
  await page.getByLabel("Id, such as pro").fill(ID);
  await page.locator("#new-tier-name").fill("Northwind’s own");
  await expectAccessible();
  await page.getByRole("button", { name: "Record the tier" }).click();
  const card = page.locator(".pricing-part", { has: page.locator("code", { hasText: ID }) });
  await expect(card).toContainText("It has no prices", SOON);
  await expect(card).toContainText("99.9 % up or more: 0 %");

  for (const [input, from] of [["0.50", "2026-01-01T00:00"], ["0.75", "2099-01-01T00:00"]]) {
    await page.getByText("Set a list price…").click();
    await page.locator("#price-tier").selectOption(ID);
    await page.locator("#price-provider").fill("vertex");
    await page.locator("#price-model").fill("gemini-2.5-flash");
    await page.locator("#price-input").fill(input);
    await page.locator("#price-output").fill("$4");
    await page.locator("#price-from").fill(from);
    await page.getByRole("button", { name: "Record the price" }).click();
    await expect(card.locator("tr", { hasText: `$${input}` })).toBeVisible(SOON);
  }
  await expect(card.locator("tr", { hasText: "$0.75" })).toContainText("to come");

  await page.getByRole("navigation", { name: "Parts of the optimizer" }).getByRole("link", { name: "Tenants" }).click();
  await page.getByText("New tenant…").click();
  await page.locator("#new-id").fill(ID);
  await page.locator("#new-name").fill("Northwind");
  await page.locator("#new-tier").selectOption(ID);
  await page.locator("#new-region").fill("eu");
  await page.getByRole("button", { name: "Record the tenant" }).click();
  await expect(page).toHaveURL(`/optimizer/tenants/${ID}`, SOON);
  await expect(page.getByRole("heading", { name: "Northwind", exact: true })).toBeVisible();
  await expect(page.getByRole("region", { name: "Prices" })).toContainText("$0.50");
  await expect(page.locator(".pricing-history")).toContainText("Came as “Northwind”");
  await expectAccessible();
});

test("who changes a tenant second is told, and its history says who changed what", async ({ page, open, context }) => {
  await open(`/optimizer/tenants/${ID}`);
  const stale = await context.newPage();
  await stale.goto(`/optimizer/tenants/${ID}`);
  await page.locator("#edit-name").fill("Northwind Traders");
  await page.getByRole("button", { name: "Record the change" }).click();
  await expect(page.locator(".pricing-history li").first()).toContainText("“Northwind” → “Northwind Traders”", SOON);
  await expect(page.locator(".pricing-history li").first()).toContainText("By admin@ternion.example");
  await stale.locator("#edit-region").fill("us");
  await stale.getByRole("button", { name: "Record the change" }).click();
  await expect(stale.getByRole("alert")).toContainText("Somebody changed the same since you looked", SOON);
  await expect(stale.locator("#edit-region")).toHaveValue("eu");
  await stale.close();

  await open("/optimizer/tenants");
  await page.getByLabel("Id or name").fill(ID);
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page).toHaveURL(new RegExp(`q=${ID}`));
  await expect(page.locator(".tenant-table tbody tr")).toHaveCount(1);
});

test("a contract is proposed as a policy, and no second one while it waits", async ({ page, open }) => {
  await open(`/optimizer/tenants/${ID}`);
  await page.getByText("Fix its price by contract…").click();
  await page.getByLabel("The contract’s last day").fill("2098-12-31");
  await page.locator("#contract-reason").fill("Agreed for long");
  await page.getByRole("button", { name: "Propose it" }).click();
  await expect(page).toHaveURL(/\/approvals\/[0-9a-f-]{36}$/, SOON);
  await expect(page.getByRole("heading", { name: /its price is fixed to the end of 2098-12-31/ })).toBeVisible();
  await expect(page.locator(".pricing-facts").first()).toContainText("2099-01-01 00:00 UTC");
  const proposal = page.url();
  await open(`/optimizer/tenants/${ID}`);
  const waits = page.locator(".contract-waits");
  await expect(waits).toContainText("Fixing its price to the end of 2098-12-31 (UTC) waits for 2 more admins.");
  await expect(waits.getByRole("link", { name: "Look at it" })).toHaveAttribute("href", new URL(proposal).pathname);
  await open("/optimizer/tenants/juniper");
  await expect(waits).toContainText(`A contract of ${ID} waits for 2 more admins.`);
  await expect(waits.getByRole("link", { name: "Decide about it first" })).toHaveAttribute("href", new URL(proposal).pathname);
  // The page of approvals is another test's: this one leaves nothing that waits.
  await page.goto(proposal);
  await page.locator("#reject-reason").fill("Not yet");
  await page.getByRole("button", { name: /^Reject/ }).click();
  await expect(page.locator(".pricing-head .badge")).toHaveText("REJECTED", SOON);
});

test.describe("as an auditor", () => {
  test.use({ role: "auditor" });

  test("everything is shown, and nothing can be changed", async ({ page, open }) => {
    await open(`/optimizer/tenants/${ID}`);
    await expect(page.locator(".held").first()).toContainText("may not change tenants");
    await expect(page.getByRole("button", { name: "Record the change" })).toBeDisabled();
    await open("/optimizer/tiers");
    await expect(page.getByText("New tier…")).toHaveCount(0);
  });
});
