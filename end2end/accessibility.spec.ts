// Each page in both colour schemes against WCAG 2.2 AA, as axe sees it.
import { expect, PAGES, test } from "./console";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme} colours`, () => {
    test.use({ colorScheme });

    for (const path of PAGES) {
      test(`${path} is accessible`, async ({ open, expectAccessible }) => {
        await open(path);
        await expectAccessible();
      });
    }

    test("an event and its proof are accessible", async ({ page, open, replicated, expectAccessible }) => {
      await open(replicated);
      await expect(page.locator("#proof-title")).toContainText("Verified in this browser");
      await expectAccessible();
    });

    test("the palette is accessible", async ({ page, open, expectAccessible }) => {
      await open("/");
      await page.keyboard.press("Control+k");
      await expect(page.locator("#palette").getByRole("option").first()).toBeVisible();
      await expectAccessible();
    });

    test("a page that is not there is accessible", async ({ open, expectAccessible, expectComplaint }) => {
      expectComplaint(/404/);
      await open("/nowhere");
      await expectAccessible();
    });

    test.describe("before signing in", () => {
      test.use({ role: null });

      test("the door and its refusal are accessible", async ({ open, expectAccessible }) => {
        await open("/sign-in?error=bad_credentials&email=admin%40ternion.example");
        await expectAccessible();
      });
    });
  });
}
