// Pages whose code comes when they are opened: in time, late, or not at all.
import type { Page, Route } from "@playwright/test";
import { alive, expect, test } from "./console";

const LAB = /\/pkg\/ternion-lab\.[0-9a-f]+\.wasm$/;
const ANY = /\/pkg\/ternion-[a-z-]+\.[0-9a-f]+\.wasm$/;

/** Holds a piece back until told to let it go. */
async function hold(page: Page, piece: RegExp): Promise<() => void> {
  let letGo = () => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  await page.route(piece, async (route: Route) => {
    await held;
    await route.continue();
  });
  return letGo;
}

const link = (page: Page, name: string) => page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name });
const main = (page: Page) => page.locator("#main");
const fault = (page: Page) => main(page).getByRole("heading", { name: "Who hears whom" });

test("a page asks for its own pieces only, and once", async ({ page, open }) => {
  const asked: string[] = [];
  page.on("request", (request) => {
    if (ANY.test(request.url())) asked.push(new URL(request.url()).pathname);
  });
  await open("/");
  expect(asked.filter((path) => LAB.test(path))).toEqual([]);
  await link(page, "Fault lab").click();
  await expect(fault(page)).toBeVisible();
  await link(page, "Overview").click();
  await link(page, "Fault lab").click();
  await expect(fault(page)).toBeVisible();
  expect(asked.filter((path) => LAB.test(path))).toHaveLength(1);
  expect(new Set(asked).size).toBe(asked.length);
});

test("the document of a page names its pieces, which are fetched once", async ({ page }) => {
  const asked: string[] = [];
  page.on("request", (request) => {
    if (ANY.test(request.url())) asked.push(new URL(request.url()).pathname);
  });
  const html = await (await page.goto("/lab"))!.text();
  await alive(page);
  const preloads = [...html.matchAll(/<link [^>]*rel="preload"[^>]*>/g)].map(([tag]) => tag);
  expect(preloads.filter((tag) => tag.includes("/pkg/ternion-lab."))).toHaveLength(1);
  expect(new Set(asked).size).toBe(asked.length);
  expect(asked.filter((path) => LAB.test(path))).toHaveLength(1);
});

test("while the next page is on its way the old one stays, and says that it waits", async ({ page, open }) => {
  await open("/");
  const letGo = await hold(page, LAB);
  await link(page, "Fault lab").click();
  await expect(main(page)).toHaveAttribute("aria-busy", "true");
  await expect(page.locator("#needs-title")).toBeVisible();
  await expect(page).toHaveURL(/\/$/);
  letGo();
  await expect(fault(page)).toBeVisible();
  await expect(page).toHaveURL(/\/lab$/);
  await expect(main(page)).not.toHaveAttribute("aria-busy");
  await page.goBack();
  await expect(page.locator("#needs-title")).toBeVisible();
});

test("who chooses another page meanwhile gets that one", async ({ page, open }) => {
  await open("/");
  const letGo = await hold(page, LAB);
  await link(page, "Fault lab").click();
  await expect(main(page)).toHaveAttribute("aria-busy", "true");
  await link(page, "Ledger").click();
  await expect(page.locator(".events-whole tbody tr").first()).toBeVisible();
  await expect(main(page)).not.toHaveAttribute("aria-busy");
  const came = page.waitForResponse(LAB);
  letGo();
  await came;
  await expect(page).toHaveURL(/\/ledger$/);
  await expect(page.locator(".events-whole tbody tr").first()).toBeVisible();
  await link(page, "Fault lab").click();
  await expect(fault(page)).toBeVisible();
});

test("a piece that the server does not have brings the whole page anew", async ({ page, open, expectComplaint }) => {
  expectComplaint(/404|TypeError|CompileError/);
  await open("/");
  await page.evaluate(() => document.body.setAttribute("data-old", ""));
  await page.route(LAB, (route) => route.fulfill({ status: 404, contentType: "text/plain" }), { times: 1 });
  await link(page, "Fault lab").click();
  await expect(page).toHaveURL(/\/lab$/);
  await expect(page.locator("body[data-old]")).toHaveCount(0);
  await alive(page);
  await expect(fault(page)).toBeVisible();
});

test("without a server a page that has not come says so, and comes when there is one", async ({
  page,
  open,
  context,
  expectComplaint,
}) => {
  expectComplaint(/ERR_INTERNET_DISCONNECTED|Failed to fetch/);
  await open("/");
  await context.setOffline(true);
  await link(page, "Fault lab").click();
  await expect(page.getByRole("heading", { name: "This cloud cannot be reached" })).toBeVisible();
  await expect(page).toHaveURL(/\/lab$/);
  await context.setOffline(false);
  await page.getByRole("link", { name: "Try again" }).click();
  await alive(page);
  await expect(fault(page)).toBeVisible();
});

test.describe("in another zone", () => {
  test.use({ timezoneId: "Asia/Kolkata" });

  test("a page is whole before its code comes, and right after it came late", async ({ page, replicated, expectComplaint }) => {
    expectComplaint(/ERR_FAILED|Failed to fetch/);
    const EVENT = /\/pkg\/ternion-event\.[0-9a-f]+\.wasm$/;
    await page.route(EVENT, (route) => route.abort(), { times: 1 });
    await page.goto(replicated);
    const time = page.locator("#main time").first();
    const at = new Date((await time.getAttribute("datetime"))!);
    const minute = (zone: string) => at.toLocaleTimeString("en-GB", { timeZone: zone, timeStyle: "short" });
    await expect(time).toContainText(minute("UTC"));
    await expect(page.locator("html[data-alive]")).toHaveCount(0);
    await alive(page);
    await expect(time).toContainText(minute("Asia/Kolkata"));
    await expect(page.locator(".proof")).toContainText("Verified in this browser");
  });
});
