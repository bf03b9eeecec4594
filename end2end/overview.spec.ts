// The first page: numbers that move by themselves, and rows that wait for whoever reads them.
import { CLOUDS } from "./demonstration";
import { expect, test } from "./console";

test("the three clouds are up, and any two of them make an event final", async ({ page, open }) => {
  await open("/");
  await expect(page.locator(".health")).toHaveText("Normal · 3 of 3 clouds", { timeout: 30_000 });
  for (const cloud of CLOUDS) {
    await expect(page.locator(`.cloud-card.of-${cloud} .badge`)).toHaveText(/Up|Lagging/);
  }
  await expect(page.getByText("Any two clouds make an event final.")).toBeVisible();
});

test("the numbers grow without a reload", async ({ page, open }) => {
  await open("/");
  await expect(page.locator(".stream")).toHaveAttribute("data-link", "live");
  const stored = page.locator(".strip dd").first();
  const count = async () => Number((await stored.innerText()).replaceAll(/\D/g, ""));
  const before = await count();
  await expect.poll(count).toBeGreaterThan(before);
});

test("time to final is measured and not zero", async ({ page, open }) => {
  await open("/");
  const value = page.locator(".finality-card .big");
  await expect(value).toContainText(/[1-9].*(ms|s) p50/s);
});

test("new events enter the list by themselves", async ({ page, open }) => {
  await open("/");
  const newest = page.locator(".latest-card tbody tr .cell-event a").first();
  const before = await newest.getAttribute("href");
  await expect(newest).not.toHaveAttribute("href", before!, { timeout: 20_000 });
});

test("a list held still stays still, and says what waits", async ({ page, open }) => {
  await open("/");
  await page.getByRole("button", { name: "Hold the list still" }).click();
  const newest = page.locator(".latest-card tbody tr .cell-event a").first();
  const before = await newest.getAttribute("href");
  await expect(page.locator(".flow-text")).toContainText(/Held while you read: \d/, { timeout: 20_000 });
  await expect(newest).toHaveAttribute("href", before!);
});

test("the same page is to be had at the other clouds", async ({ page, open, clouds }) => {
  await open("/verify");
  await expect(page.getByTitle(/Open this page at/)).toHaveCount(2);
  const addresses = await page.getByTitle(/Open this page at/).evaluateAll((links) => links.map((a) => (a as HTMLAnchorElement).href));
  expect(addresses).toEqual([`${clouds.aws}/verify`, `${clouds.azure}/verify`]);
});
