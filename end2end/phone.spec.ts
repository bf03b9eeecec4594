// On a phone nothing runs out of the screen to the right.
import { expect, PAGES, test } from "./console";
import type { Page } from "@playwright/test";

/** A common phone, and the narrowest screen that WCAG 2.2 (1.4.10 Reflow) asks for. */
const WIDTHS = [390, 320];

/** Elements that reach over the right edge; what scrolls within itself may be wider inside. */
const overhanging = (page: Page) =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const wide = [...document.querySelectorAll("body *")].filter((element) => element.getBoundingClientRect().right > width + 1);
    return wide.map((element) => `${element.tagName}.${element.className}`).slice(0, 8);
  });

for (const width of WIDTHS) {
  test.describe(`${width} pixels wide`, () => {
    test.use({ viewport: { width, height: 800 }, hasTouch: true, isMobile: true });

    for (const path of PAGES) {
      test(`${path} does not scroll sideways`, async ({ page, open }) => {
        await open(path);
        expect(await overhanging(page)).toEqual([]);
      });
    }

    test("the page that is open is in sight in the bar of pages", async ({ page, open }) => {
      await open("/fabric");
      await expect(page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Fabric" })).toBeInViewport({ ratio: 0.9 });
    });

    test("the bar of pages shows by its edges where more of them are", async ({ page, open }) => {
      await open("/");
      const shown = (edge: string) => page.evaluate((edge) => Number(getComputedStyle(document.querySelector(".nav")!, edge).opacity), edge);
      await expect.poll(() => shown("::after")).toBeGreaterThan(0.5);
      await expect.poll(() => shown("::before")).toBeLessThan(0.5);
      await page.locator("#places").evaluate((list) => list.scrollTo({ left: list.scrollWidth, behavior: "instant" }));
      await expect.poll(() => shown("::after")).toBeLessThan(0.5);
      await expect.poll(() => shown("::before")).toBeGreaterThan(0.5);
    });

    test("capacity is told in cards, to its last figure", async ({ page, open }) => {
      await open("/fabric");
      const table = page.getByRole("region", { name: "Requests a second by cloud" });
      await expect(table.locator('td[data-label="No place for"]').first()).toBeVisible();
      const hidden = await table.evaluate((field) => field.scrollWidth - field.clientWidth);
      expect(hidden).toBeLessThanOrEqual(0);
    });

    test("an event does not scroll sideways", async ({ page, open, replicated }) => {
      await open(replicated);
      await expect(page.locator("#proof-title")).toBeVisible();
      expect(await overhanging(page)).toEqual([]);
    });

    test.describe("before signing in", () => {
      test.use({ role: null });

      test("the door does not scroll sideways", async ({ page, open }) => {
        await open("/sign-in");
        expect(await overhanging(page)).toEqual([]);
      });
    });
  });
}
