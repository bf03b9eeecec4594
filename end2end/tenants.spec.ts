// Tenants, tiers and list prices on screen: a price from a time on, a tenant that changes its tier, two
// who change it at once, and a contract that a second admin approves.
//
// What is set stays set, and the demonstration is shared: one after the other.
import type { Page } from "@playwright/test";
import { expect, test } from "./console";

test.describe.configure({ mode: "serial" });

const SOON = { timeout: 30_000 };
const ID = `northwind-${Date.now().toString(36)}`;

/** Types a list price into the form that is open. */
async function fillPrice(page: Page, input: string, from: string) {
  await page.locator("#price-tier").selectOption(ID);
  await page.locator("#price-provider").fill("vertex");
  await page.locator("#price-model").fill("gemini-2.5-flash");
  await page.locator("#price-input").fill(input);
  await page.locator("#price-output").fill("$4");
  await page.locator("#price-from").fill(from);
}

/** Ticks that what is odd was read, and says why where that is asked for. */
async function readWhatIsOdd(page: Page) {
  const box = page.getByLabel("I have read this, and it is meant.");
  if (await box.count()) await box.check();
  const why = page.getByLabel("Why? It stays with the price");
  if (await why.count()) await why.fill("the providers’ prices moved");
}

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
    await fillPrice(page, input, from);
    await page.getByRole("button", { name: "Show what it would change" }).click();
    await expect(page).toHaveURL(/\/optimizer\/tiers\/price\?/);
    await expect(page.locator("#price-input")).toHaveValue(input);
    await expect(page.getByRole("region", { name: "The price, before and after" })).toContainText(`$${input}`);
    await expectAccessible();
    await readWhatIsOdd(page);
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
  await expect(page).toHaveURL(new RegExp(`/optimizer/tenants/${ID}\\?done=`), SOON);
  await expect(page.locator(".recorded").getByRole("link")).toHaveAttribute("href", /^\/ledger\/[0-9a-f-]{36}$/);
  await expect(page.getByRole("heading", { name: "Northwind", exact: true })).toBeVisible();
  await expect(page.getByRole("region", { name: "Prices" })).toContainText("$0.50");
  await expect(page.locator(".pricing-history")).toContainText("Came as “Northwind”");
  await expectAccessible();
});

test("a price to come is withdrawn, and a list price that is far off waits for two others", async ({ page, open }) => {
  await open("/optimizer/tiers");
  const card = page.locator(".pricing-part", { has: page.locator("code", { hasText: ID }) });
  const row = card.locator("tr", { hasText: "2099-01-01" });
  await row.getByRole("link", { name: "Withdraw…" }).click();
  await expect(page.getByRole("heading", { name: "Withdraw a price to come" })).toBeVisible();
  await expect(page.getByRole("region", { name: "The price, before and after" })).toContainText("$0.75");
  await readWhatIsOdd(page);
  await page.getByRole("button", { name: "Withdraw the price" }).click();
  await expect(row).toContainText("withdrawn: goes on as before", SOON);
  await expect(row.getByRole("link", { name: "Withdraw…" })).toHaveCount(0);

  await page.getByText("Set a list price…").click();
  await fillPrice(page, "5", "2098-01-01T00:00");
  await page.getByRole("button", { name: "Show what it would change" }).click();
  await expect(page.locator(".price-odd")).toContainText("2 people have to agree");
  await readWhatIsOdd(page);
  await page.getByRole("button", { name: "Propose the price" }).click();
  await expect(page).toHaveURL(/\/approvals\/[0-9a-f-]{36}/, SOON);
  await expect(page.locator(".pricing-big")).toContainText("input $0.50 → $5.00");
  await expect(page.getByText("the providers’ prices moved").first()).toBeVisible();
  // Four eyes: whoever proposed it decides nothing, and two others do.
  const id = new URL(page.url()).pathname.split("/").pop();
  for (const [token, agreed] of [["demo-admin2", 1], ["demo-admin3", 2]] as const) {
    const bearer = { headers: { authorization: `Bearer ${token}` } };
    const proposal = await (await page.request.get(`/v1/proposals/${id}`, bearer)).json();
    const said = await page.request.post(`/v1/approvals/${id}/approve?wait=final`, { ...bearer, data: { version: proposal.version, hash: proposal.hash } });
    expect(said.status(), await said.text()).toBe(201);
    expect((await said.json()).approvals).toHaveLength(agreed);
  }
  await open("/optimizer/tiers");
  const agreed = card.locator("tr", { hasText: "$5.00" });
  await expect(async () => {
    await page.reload();
    await expect(agreed).toContainText("to come", { timeout: 1_000 });
  }).toPass(SOON);
  await expect(agreed.getByRole("link", { name: "Who agreed" })).toHaveAttribute("href", `/approvals/${id}`);
});

test.describe("without scripts, on a phone", () => {
  test.use({ javaScriptEnabled: false, colorScheme: "dark", viewport: { width: 390, height: 800 } });

  test("what is wrong with a list price is said beside its field, which keeps it", async ({ page }) => {
    await page.goto(`/optimizer/tiers/price?tier=${ID}&provider=vertex&model=gemini-2.5-flash&input=0%2C36&output=4&from=`);
    const input = page.locator("#price-input");
    await expect(input).toHaveAttribute("aria-invalid", "true");
    await expect(input).toHaveAccessibleDescription(/a point may be meant/);
    await expect(input).toHaveValue("0,36");
    await input.fill("0.52");
    await page.getByRole("button", { name: "Show what it would change" }).click();
    await expect(page.getByRole("heading", { name: "Whom it affects" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Record the price" })).toBeVisible();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(390);
  });
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
  await expect(stale.getByRole("alert")).toContainText("somebody changed the same since you looked", SOON);
  // What was typed is there still, beside who was first and what they set.
  await expect(stale.locator("#edit-region")).toHaveValue("us");
  await expect(stale.locator("#edit-name")).toHaveValue("Northwind");
  await expect(stale.locator(".overtaken")).toContainText("admin@ternion.example changed it at");
  await expect(stale.locator(".overtaken")).toContainText("what is in force now is “Northwind Traders”");
  // Sent again, it is meant.
  await stale.locator("#edit-name").fill("Northwind Traders");
  await stale.getByRole("button", { name: "Record the change" }).click();
  await expect(stale.locator(".pricing-history li").first()).toContainText("eu → us", SOON);
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
  await page.getByLabel("The contract’s last day").fill("2031-12-31");
  await page.locator("#contract-reason").fill("Agreed for long");
  await page.getByRole("button", { name: "Propose it" }).click();
  await expect(page).toHaveURL(/\/approvals\/[0-9a-f-]{36}\?done=/, SOON);
  await expect(page.getByRole("heading", { name: /its price is fixed to the end of 2031-12-31/ })).toBeVisible();
  await expect(page.locator(".pricing-facts").first()).toContainText("2032-01-01 00:00 UTC");
  const proposal = page.url();
  await open(`/optimizer/tenants/${ID}`);
  const waits = page.locator(".contract-waits");
  await expect(waits).toContainText("Fixing its price to the end of 2031-12-31 (UTC) waits for 2 more admins.");
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

/** A ladder of which one credit is missing, with all the rest that was typed. */
async function refusedTier(page: Page): Promise<void> {
  await page.getByText("New tier…").click();
  await page.getByLabel("Id, such as pro").fill(`${ID}-2`);
  await page.locator("#new-tier-name").fill("Half a ladder");
  await page.getByRole("textbox", { name: "Step 2: credit" }).first().fill("");
  await page.getByRole("button", { name: "Record the tier" }).click();
  await expect(page.getByRole("alert")).toContainText("each step of the ladder has an uptime and a credit", SOON);
  await expect(page.getByLabel("Id, such as pro")).toHaveValue(`${ID}-2`);
  await expect(page.locator("#new-tier-name")).toHaveValue("Half a ladder");
  const credit = page.getByRole("textbox", { name: "Step 2: credit" }).first();
  await expect(credit).toHaveValue("");
  await expect(credit).toHaveAttribute("aria-invalid", "true");
}

test("a refused tier stands open with what was typed", async ({ page, open, expectAccessible }) => {
  await open("/optimizer/tiers");
  await refusedTier(page);
  await expectAccessible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a refused tier stands open with what was typed", async ({ page }) => {
    await page.goto("/optimizer/tiers");
    await refusedTier(page);
  });
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
