// The least that must hold: every cloud answers, and its first page has a title.
import { expect, test } from "./demo";

for (const cloud of ["gcp", "aws", "azure"] as const) {
  test(`${cloud} shows a page with a title`, async ({ page, demo }) => {
    const answer = await page.goto(demo[cloud]);
    expect(answer?.status()).toBe(200);
    await expect(page).toHaveTitle(/Ternion/);
  });
}
