// What surrounds every page: colours, keys, the palette, and addresses that lead nowhere.
import { expect, test } from "./console";

test("dark colours are kept for the next page and the next visit", async ({ page, open }) => {
  await open("/");
  const saved = page.waitForResponse((response) => response.url().endsWith("/preferences"));
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await saved;
  await page.goto("/ledger");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test("the palette leads to a page and to an event", async ({ page, open, replicated }) => {
  await open("/");
  await page.keyboard.press("Control+k");
  const palette = page.locator("#palette");
  await palette.getByRole("combobox").fill("ledger");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/ledger$/);
  await page.keyboard.press("Control+k");
  await palette.getByRole("combobox").fill(replicated.split("/").pop()!);
  await expect(palette.getByRole("option").first()).toContainText("event", { timeout: 10_000 });
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`${replicated}$`));
});

test("keys lead to pages, and walk through rows", async ({ page, open }) => {
  await open("/");
  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await expect(page.locator(".events-whole tbody tr").first()).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/ledger\/[0-9a-f-]{36}$/);
  await page.keyboard.press("?");
  await expect(page.locator("#help")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator("#help")).toBeHidden();
});

test("back leads to the same filters", async ({ page, open }) => {
  await open("/ledger");
  await page.getByLabel("Origin").selectOption("gcp");
  await expect(page).toHaveURL(/origin=gcp/);
  await expect(page.locator("[data-label=Origin]").first()).toContainText("gcp");
  await page.locator(".cell-event a").first().click();
  await expect(page.locator("#proof-title, .waiting-proof")).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(/origin=gcp/);
  await expect(page.getByLabel("Origin")).toHaveValue("gcp");
});

test("an address that leads nowhere is a 404 in words", async ({ page, expectComplaint }) => {
  expectComplaint(/404/);
  const answer = await page.goto("/nowhere");
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("heading", { name: "No cloud has signed for this page." })).toBeVisible();
});
