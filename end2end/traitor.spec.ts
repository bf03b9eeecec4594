// One cloud tells two stories: every screen says so until it has new keys, and leads there.
import type { APIRequestContext } from "@playwright/test";
import { bearer, email, expect, PASSWORD, test } from "./console";

// Three clouds take in evidence, then agree to new keys.
test.setTimeout(180_000);
const SOON = { timeout: 60_000 };

/** An admin at that cloud agrees to Azure's new keys. */
async function agree(request: APIRequestContext, cloud: string): Promise<void> {
  await expect(async () => {
    const answer = await request.get(`${cloud}/v1/keys`, bearer("demo-auditor"));
    const { requests } = (await answer.json()) as { requests: { record: string; origin: string }[] };
    const asked = requests.find((one) => one.origin === "azure");
    expect(asked).toBeTruthy();
    const data = { reason: "we saw the evidence" };
    const agreed = await request.post(`${cloud}/v1/epochs/${asked!.record}/agree`, { data, ...bearer("demo-admin") });
    expect([200, 201, 409]).toContain(agreed.status());
  }).toPass(SOON);
}

test("a frozen log is nowhere called normal, and its evidence leads to new keys", async ({ page, open, browser, clouds, expectAccessible }) => {
  const told = await page.request.post("/lab/v1/clouds/azure/equivocate", { data: { to: "aws" }, ...bearer("demo-admin") });
  expect(told.ok(), await told.text()).toBe(true);

  await open("/");
  await expect(page.locator(".health")).toHaveText(/^Alarm · azure’s log is frozen/, SOON);
  await expect(page.locator(".cloud-card.of-azure .badge")).toHaveText("Log frozen");
  await expect(page.locator(".cloud-card.of-gcp .badge")).toHaveText(/Up|Lagging/);
  await expect(page.locator(".finality-card")).toContainText("Not what azure records: its log is frozen.");
  await expect(page.locator(".needs-card")).toContainText("Azure signed two histories of its log.");
  await expectAccessible();

  await open("/ledger/keys");
  const keys = page.locator(".key-cloud.of-azure");
  await expect(keys.locator(".badge").first()).toHaveText("CURRENT, PROVEN BAD");
  await expect(keys.locator(".key-lines > div").first()).toContainText("proven bad");
  await expect(page.locator(".key-cloud.of-gcp .badge").first()).toHaveText("CURRENT");
  await expectAccessible();

  await keys.getByRole("link", { name: "The evidence" }).click();
  await page.locator(".evidence-item a").first().click();
  const report = page.getByRole("link", { name: "Report it as in doubt…" });
  await expect(report).toHaveAttribute("href", `${clouds.azure}/ledger/keys?act=report&why=faulty`);
  await expectAccessible();

  // Azure's admin follows it.
  const there = await browser.newContext({ baseURL: clouds.azure });
  const form = { email: email("admin"), password: PASSWORD, next: "/ledger/keys" };
  await there.request.post("/sign-in", { form, maxRedirects: 0 });
  const azure = await there.newPage();
  await azure.goto((await report.getAttribute("href"))!);
  const dialog = azure.getByRole("dialog", { name: "What happened to the keys of Azure?" });
  await expect(dialog.getByLabel("In doubt: there is evidence against this log")).toBeChecked();
  await dialog.getByLabel("Reason, recorded in the ledger").fill("there is evidence");
  await dialog.getByRole("checkbox").check();
  await dialog.getByRole("button", { name: "Begin a new epoch" }).click();
  await there.close();
  for (const cloud of [clouds.gcp, clouds.aws]) await agree(page.request, cloud);

  await expect(page.locator(".health")).toHaveText("Normal · 3 of 3 clouds", SOON);
  await open("/ledger/keys");
  await expect(keys.locator(".badge").first()).toHaveText("CURRENT", SOON);
});
