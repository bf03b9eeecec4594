// Audit snapshots: taken, agreed, derived again, with and without scripts.
//
// A day has one snapshot, and the demonstration is shared: one after the other.
import { bearer, expect, test } from "./console";

test.describe.configure({ mode: "serial" });
test.use({ role: "auditor" });

const DERIVED = { timeout: 60_000 };

test("an auditor takes a snapshot, sees two clouds agree, and hashes it again", async ({ page, open, expectAccessible }) => {
  test.slow(); // the page is judged in each of its states
  await open("/anchors");
  await expectAccessible();
  const take = page.getByRole("button", { name: "Take one of the state of now" });
  // A day has one: whoever asks again looks at that.
  await ((await take.isVisible()) ? take : page.locator(".snapshot-name a").first()).click();
  await expect(page).toHaveURL(/\/anchors\/\d{4}-\d{2}-\d{2}$/);
  const verdict = page.getByRole("heading", { level: 2 }).first();
  await expect(verdict).toContainText("Google Cloud, AWS and Azure derived the same hash", DERIVED);
  await expect(page.locator(".compare-says")).toHaveText("All 32 bytes are equal.");
  await expect(page.locator(".in-browser")).toContainText("came to the same");
  await expect(page.locator(".snapshot-said li")).toHaveCount(3);
  await expectAccessible();
  await page.locator(".snapshot-said").getByRole("link", { name: "Attested" }).first().click();
  await expect(page).toHaveURL(/\/ledger\/[0-9a-f-]{36}$/);
  await page.goBack();
  const manifest = page.getByRole("link", { name: "Manifest" });
  await expect(manifest).toHaveAttribute("href", /\/v1\/snapshots\/.+\/manifest/, DERIVED);
});

test("a snapshot is derived again from the first entry, and comes to the same", async ({ page, open }) => {
  await open("/anchors");
  await page.locator(".snapshot-name a").first().click();
  await page.getByRole("button", { name: "Derive again now" }).click();
  await expect(page.locator(".recheck")).toContainText("the same hash", DERIVED);
});

test("the list names each snapshot and who came to it", async ({ page, open }) => {
  await open("/anchors");
  const first = page.locator(".snapshot-item").filter({ has: page.locator(".snapshot-name a") }).first();
  await expect(first.locator(".badge")).toHaveText("AGREED", DERIVED);
  await expect(first.locator(".snapshot-word[data-word=same]")).toHaveCount(3);
  const answer = await page.request.get("/v1/snapshots", bearer("demo-auditor"));
  const listed = (await answer.json()) as { items: { hash: string }[] };
  await expect(first.locator(".hash-text")).toHaveAttribute("aria-label", `snapshot hash ${listed.items[0]!.hash}`);
});

test.describe("to a controller", () => {
  test.use({ role: "controller" });

  test("taking one is refused with the reason", async ({ page, open }) => {
    await open("/anchors");
    await expect(page.locator(".held").first()).toHaveText(
      "The role controller may not take audit snapshots; auditor and admin may.",
    );
  });
});

test.describe("in the dark on a phone", () => {
  test.use({ colorScheme: "dark", viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });

  test("both pages are accessible", async ({ page, open, expectAccessible }) => {
    await open("/anchors");
    await expectAccessible();
    await page.locator(".snapshot-name a").first().click();
    await expect(page.locator(".snapshot-verdict")).toBeVisible();
    await expectAccessible();
  });
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a snapshot says what each cloud came to", async ({ page }) => {
    await page.goto("/anchors");
    await page.locator(".snapshot-name a").first().click();
    await expect(page.locator(".snapshot-said li")).toHaveCount(3);
    await expect(page.locator(".in-browser")).toContainText("Not hashed again by this browser yet");
  });
});
