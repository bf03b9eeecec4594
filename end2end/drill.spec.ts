// The tamper drill: one row changed by SQL, and everything that the clouds make of it until it is right.
import { bearer, expect, test } from "./console";

test.describe.configure({ mode: "serial" });
test.setTimeout(180_000);

const LONG = { timeout: 90_000 };

test("a changed row is outvoted, named and repaired, and the page goes through it", async ({ page, open, expectAccessible }, info) => {
  // There must be rows that a snapshot stands on: the story's month.
  await expect(async () => {
    const answer = await page.request.get("/v1/snapshots", bearer("demo-auditor"));
    const { items } = (await answer.json()) as { items: { own: object | null }[] };
    expect(items.at(-1)?.own).toBeTruthy();
  }).toPass(LONG);
  await open("/anchors");
  await expectAccessible();
  await page.getByRole("button", { name: "Change a row and watch" }).click();
  await expect(page).toHaveURL(/\/anchors\/\d{4}-\d{2}-\d{2}\?drill=on$/);
  const scene = (at: number) => page.locator(".drill-scenes > li").nth(at);
  for (const at of [0, 1, 2, 3]) await expect(scene(at)).toHaveAttribute("data-state", "valid", LONG);
  await expect(scene(0)).toContainText(/inputTokens \d+ became inputTokens \d+0/);
  await expect(page.locator(".compare")).toHaveAttribute("data-equal", "false");
  await expect(scene(2)).toContainText("AWS and Azure attest one hash");
  await expect(scene(3)).toContainText("in Usage, ");
  await expect(scene(3).locator("li")).toHaveText(/inputTokens: \d+0 at Google Cloud, \d+ at/);
  await expect(scene(4)).toHaveAttribute("data-state", "unchecked");
  await expectAccessible();
  await page.screenshot({ path: info.outputPath("outvoted.png"), fullPage: true });

  await page.getByRole("button", { name: "Derive it again now" }).click();
  await expect(page).toHaveURL(/\?drill=on$/);
  await expect(scene(4)).toHaveAttribute("data-state", "valid", LONG);
  await expect(scene(4)).toContainText("Google Cloud attests the agreed hash again");
  await expect(scene(4)).toContainText("input_tokens");
  await expect(page.locator(".compare-says")).toHaveText("All 32 bytes are equal.", LONG);
  await page.screenshot({ path: info.outputPath("repaired.png"), fullPage: true });

  await open("/lab?fault=usage");
  await expect(page.locator(".timeline")).toContainText("Edited the metered usage of");
  await expect(page.locator(".timeline")).toContainText("derived its tables again from the entries", LONG);
});

test.describe("to an auditor", () => {
  test.use({ role: "auditor" });

  test("the drill is refused with the reason", async ({ page, open }) => {
    await open("/anchors");
    await expect(page.getByRole("button", { name: "Change a row and watch" })).toBeDisabled();
    const refused = await page.request.post("/anchors/drill", { ...bearer("demo-auditor"), maxRedirects: 0 });
    expect(refused.status()).toBe(403);
  });
});
