// The fault lab: a real process is stopped, and what the product promises is watched to hold.
import { bearer, expect, test } from "./console";
import { CLOUDS } from "./demonstration";

// A stopped cloud shuts its Postgres down, and verifies its own log before it speaks again.
test.setTimeout(180_000);
const CATCH_UP = { timeout: 90_000 };

test.afterEach(async ({ page, clouds, expectComplaint }) => {
  expectComplaint(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  for (const cloud of CLOUDS) {
    const asked = cloud === "aws" ? clouds.azure : clouds.aws;
    await page.request.post(`${asked}/lab/v1/clouds/${cloud}/start`, bearer("demo-admin")).catch(() => null);
  }
  for (const cloud of CLOUDS) {
    await expect.poll(async () => (await page.request.get(`${clouds[cloud]}/readyz`).catch(() => null))?.status(), CATCH_UP).toBe(200);
  }
});

test("two clouds go on without the third, which catches up when it is back", async ({ page, open, clouds }) => {
  await open("/lab");
  await page.getByRole("button", { name: "Stop Azure" }).click();
  await page.locator("#stop").getByRole("button", { name: "Stop Azure" }).click();
  await expect(page.locator(".lab-cloud.of-azure .badge")).toHaveText("Stopped", { timeout: 60_000 });
  await expect(page.locator(".health")).toContainText("Degraded · 2 of 3 clouds, azure is down", { timeout: 30_000 });

  const data = { tenantId: "acme-labs", payload: { kind: "end2end.meanwhile", note: "azure is away" } };
  const answer = await page.request.post("/v1/events?wait=final&timeoutMs=20000", { data, ...bearer("demo-ingest") });
  expect(answer.status()).toBe(201);
  const { eventId, status } = (await answer.json()) as { eventId: string; status: string };
  expect(status).toBe("FINAL");

  await page.getByRole("button", { name: "Start Azure" }).click();
  await expect(page.locator(".health")).toHaveText("Normal · 3 of 3 clouds", CATCH_UP);
  const confirmations = async () => {
    const known = await page.request.get(`${clouds.azure}/v1/events/${eventId}/confirmations`, bearer("demo-auditor"));
    return known.ok() ? ((await known.json()) as { replicated: boolean; status: string }) : null;
  };
  await expect.poll(confirmations, CATCH_UP).toMatchObject({ status: "FINAL", replicated: true });
  await expect(page.locator(".timeline")).toContainText("Normal again: three of three clouds.");
});

test("the page of a stopped cloud says so, and leads to the others", async ({ page, open, clouds }) => {
  await open("/");
  await expect(page.locator(".stream")).toHaveAttribute("data-link", "live");
  const stopped = await page.request.post(`${clouds.aws}/lab/v1/clouds/gcp/stop`, bearer("demo-admin"));
  expect(stopped.ok()).toBe(true);
  const banner = page.getByRole("complementary", { name: "Connection" });
  await expect(banner).toContainText("gcp has not been heard since", { timeout: 60_000 });
  await expect(banner.getByRole("link", { name: "aws" })).toHaveAttribute("href", `${clouds.aws}/`);
});

test("stopping asks first, and can be left", async ({ page, open }) => {
  await open("/lab");
  await page.getByRole("button", { name: "Stop AWS" }).click();
  await page.getByRole("button", { name: "Leave it running" }).click();
  await expect(page.locator("#stop")).toBeHidden();
  await expect(page.locator(".lab-cloud.of-aws .badge")).toHaveText("Running");
});

test.describe("to an auditor", () => {
  test.use({ role: "auditor" });

  test("the lab says why it is closed", async ({ page, open }) => {
    await open("/lab");
    await expect(page.locator("main")).toContainText("The role auditor may not");
    await expect(page.locator(".nav-refused")).toContainText("Fault lab");
  });
});
