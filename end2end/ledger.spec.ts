// The ledger: filters that live in the address, pages that join, exports of what is shown.
import { readFile } from "node:fs/promises";
import { expect, test } from "./console";

const ROWS = ".events-whole tbody tr";

test("a choice filters at once, and stands in the address", async ({ page, open }) => {
  await open("/ledger");
  await page.getByLabel("Origin").selectOption("aws");
  await expect(page).toHaveURL(/[?&]origin=aws/);
  await expect(page.locator(`${ROWS} [data-label=Origin]`).first()).toContainText("aws");
  const origins = await page.locator(`${ROWS} [data-label=Origin]`).allInnerTexts();
  expect(new Set(origins.map((text) => text.split("\n").pop()!.trim()))).toEqual(new Set(["aws"]));
  await page.reload();
  await expect(page.getByLabel("Origin")).toHaveValue("aws");
});

test("a slot, an id and the start of a hash each find their one event", async ({ page, open }) => {
  await open("/ledger?status=FINAL");
  const row = page.locator(ROWS).first();
  const id = (await row.locator(".cell-event a").getAttribute("href"))!.split("/").pop()!;
  const slot = (await row.locator("[data-label=Slot]").innerText()).trim();
  const label = (await row.locator(".hash-text").getAttribute("aria-label"))!;
  for (const text of [id, slot, label.replace("hash ", "").slice(0, 16)]) {
    await page.getByLabel("Id, hash, slot", { exact: true }).fill(text);
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await expect(page.locator(ROWS)).toHaveCount(1);
    await expect(page.locator(`${ROWS} .cell-event a`)).toHaveAttribute("href", `/ledger/${id}`);
  }
});

test("an older page goes on where the newer one ends", async ({ page, open }) => {
  await open("/ledger?limit=10");
  const ids = () => page.locator(`${ROWS} .cell-event a`).evaluateAll((links) => links.map((a) => a.getAttribute("href")));
  const accepted = () => page.locator(`${ROWS} time`).evaluateAll((times) => times.map((time) => time.getAttribute("datetime")!));
  await expect(page.locator(ROWS).first()).toBeVisible();
  const [first, oldestOfFirst] = [await ids(), (await accepted()).at(-1)!];
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page.getByText("An older page")).toBeVisible();
  await expect(page.locator(`${ROWS} .cell-event a`).first()).not.toHaveAttribute("href", first[0]!);
  expect((await ids()).filter((id) => first.includes(id))).toEqual([]);
  const newestOfSecond = (await accepted())[0]!;
  expect(Date.parse(newestOfSecond)).toBeLessThanOrEqual(Date.parse(oldestOfFirst));
});

test("the export holds exactly the filtered set", async ({ page, open }) => {
  await open("/ledger?origin=azure&status=FINAL");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click()]);
  const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\r\n");
  const [head, ...rows] = lines.map((line) => line.split(","));
  expect(rows.length).toBeGreaterThan(0);
  const column = (name: string) => new Set(rows.map((cells) => cells[head!.indexOf(name)]));
  expect(column("originCloud")).toEqual(new Set(["azure"]));
  expect(column("status")).toEqual(new Set(["FINAL"]));
});

test("filters that nothing fits say how to search", async ({ page, open }) => {
  await open("/ledger?tenant=nobody-at-all");
  await expect(page.getByRole("heading", { name: "No event fits these filters" })).toBeVisible();
  await page.getByRole("link", { name: "Show all events" }).click();
  await expect(page).toHaveURL(/\/ledger$/);
  await expect(page.locator(ROWS).first()).toBeVisible();
});

test("new events are announced and let in by a press", async ({ page, open }) => {
  await open("/ledger");
  const newest = page.locator(`${ROWS} .cell-event a`).first();
  const before = await newest.getAttribute("href");
  await page.getByRole("button", { name: /\d new events?/ }).click({ timeout: 20_000 });
  await expect(newest).not.toHaveAttribute("href", before!);
});
