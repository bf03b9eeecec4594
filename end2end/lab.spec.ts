// The fault lab: something real is broken, and what the product promises is watched to hold.
import { bearer, expect, test } from "./console";
import { CLOUDS, type Cloud, type Clouds } from "./demonstration";
import type { Page } from "@playwright/test";

// A stopped cloud shuts its Postgres down, and verifies its own log before it speaks again.
test.setTimeout(180_000);
const CATCH_UP = { timeout: 90_000 };

/** Everything whole again, whatever a test has left. */
async function mend(page: Page, clouds: Clouds): Promise<void> {
  const lab = (by: Cloud, act: string) => page.request.post(`${clouds[by]}/lab/v1/${act}`, bearer("demo-admin")).catch(() => null);
  for (const cloud of CLOUDS) {
    const asked = cloud === "aws" ? "azure" : "aws";
    await lab(asked, `clouds/${cloud}/start`);
    await lab(asked, `links/${cloud}/all/heal`);
  }
  for (const cloud of CLOUDS) {
    await expect.poll(async () => (await page.request.get(`${clouds[cloud]}/readyz`).catch(() => null))?.status(), CATCH_UP).toBe(200);
  }
}

test.afterEach(async ({ page, clouds, expectComplaint }) => {
  expectComplaint(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  await mend(page, clouds);
});

/** Records an event, and says what became of it within the time. */
async function record(page: Page, at: string, note: string, wait: string): Promise<{ eventId: string; status: string }> {
  const data = { tenantId: "acme-labs", payload: { kind: "end2end.meanwhile", note } };
  const answer = await page.request.post(`${at}/v1/events${wait}`, { data, ...bearer("demo-ingest") });
  expect(answer.ok(), `${answer.status()}`).toBe(true);
  return (await answer.json()) as { eventId: string; status: string };
}

test("two clouds go on without the third, which catches up when it is back", async ({ page, open, clouds }) => {
  await open("/lab");
  await page.getByRole("button", { name: "Stop Azure" }).click();
  await page.locator("#confirm").getByRole("button", { name: "Stop Azure" }).click();
  await expect(page.locator(".lab-cloud.of-azure .badge")).toHaveText("Stopped", { timeout: 60_000 });
  await expect(page.locator(".health")).toContainText("Degraded · 2 of 3 clouds, azure is down", { timeout: 30_000 });
  await expect(page.locator(".lab-links")).toContainText("No link is cut. Azure is stopped: nobody hears it.");

  const { eventId, status } = await record(page, clouds.gcp, "azure is away", "?wait=final&timeoutMs=20000");
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

test("a cloud that is cut off keeps its events pending until it is heard again", async ({ page, open, clouds }) => {
  await open("/lab?fault=cut");
  await page.getByRole("button", { name: "Cut all links of azure" }).click();
  await expect(page.locator(".lab-broken-link")).toHaveCount(2);
  await expect(page.getByRole("img", { name: /azure → gcp: cut/ })).toBeVisible();
  await expect(page.locator(".health")).toContainText("azure is down", { timeout: 30_000 });
  await expect(page.locator(".lab-cloud.of-azure .lab-says")).toHaveText("Sees gcp down, aws down.", { timeout: 30_000 });
  await expect(page.locator(".lab-cloud.of-azure .badge")).toHaveText("Running");

  expect((await record(page, clouds.gcp, "azure is cut off", "?wait=final&timeoutMs=20000")).status).toBe("FINAL");
  const { eventId, status } = await record(page, clouds.azure, "I am alone", "");
  expect(status).toBe("PENDING");
  await expect(page.locator(".lab-cloud.of-azure .lab-waiting", { hasText: "pending" }).first()).toBeVisible({ timeout: 30_000 });

  const act = page.locator(".timeline-line", { hasText: "Cut all links of azure." }).first();
  await act.getByRole("button", { name: /Undo/ }).click();
  await expect(page.locator(".lab-links")).toContainText("All six links are open.");
  await expect(page.locator(".health")).toHaveText("Normal · 3 of 3 clouds", CATCH_UP);
  const known = async (cloud: Cloud) => {
    const answer = await page.request.get(`${clouds[cloud]}/v1/events/${eventId}/confirmations`, bearer("demo-auditor"));
    return answer.ok() ? ((await answer.json()) as { status: string }).status : null;
  };
  for (const cloud of CLOUDS) await expect.poll(() => known(cloud), CATCH_UP).toBe("FINAL");
  await expect(act.getByRole("button", { name: /Undo/ })).toHaveCount(0);
});

test("an edited payload is named and repaired, on the screen", async ({ page, open }) => {
  await open("/lab?fault=payload");
  await page.getByRole("button", { name: "Edit in AWS" }).click();
  const act = page.locator(".timeline-line", { hasText: "in AWS’s database." }).first();
  await expect(act).toContainText("Edited the payload of");
  await expect(act).toContainText("Found and repaired after", CATCH_UP);
  await expect(act.locator(".lab-said")).toContainText(/AWS's copy of \S+ had another payload; repaired from/);
  await expect(page.locator(".lab-cloud.of-aws .lab-scrub")).toContainText("found and repaired");
});

test("a repair stands on the overview until an admin has seen it", async ({ page, open, expectAccessible }) => {
  const damaged = await page.request.post("/lab/v1/clouds/gcp/corrupt", { data: { what: "hash" }, ...bearer("demo-admin") });
  expect(damaged.ok(), await damaged.text()).toBe(true);
  const repaired = async () => {
    const answer = await page.request.get("/v1/scrub", bearer("demo-auditor"));
    return ((await answer.json()) as { repaired: number }).repaired;
  };
  await expect.poll(repaired, CATCH_UP).toBeGreaterThan(0);
  await open("/");
  const needs = page.locator(".needs-card");
  await expect(needs).toContainText(/Google Cloud's copy of \S+ had another hash; repaired/);
  await expectAccessible();
  await needs.getByRole("button", { name: "I have seen the repairs" }).click();
  await expect(page).toHaveURL("/");
  await expect(needs).not.toContainText("repaired");
  await expect(needs.getByRole("button", { name: "I have seen the repairs" })).toHaveCount(0);
});

test("forgeries are refused by both peers, in their own words", async ({ page, open }) => {
  await open("/lab?fault=forge");
  await page.getByRole("button", { name: "Forge as Google Cloud" }).click();
  const act = page.locator(".timeline-line", { hasText: "Tried to slip events past the others in the name of Google Cloud." }).first();
  for (const peer of ["AWS", "Azure"]) {
    await expect(act).toContainText(`${peer} refused an event signed by made-up keys`, { timeout: 30_000 });
    await expect(act).toContainText(`${peer} refused a payload changed under way`);
  }
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
  await expect(page.locator("#confirm")).toBeHidden();
  await expect(page.locator(".lab-cloud.of-aws .badge")).toHaveText("Running");
});

test("a fault has an address, and the keyboard reaches it", async ({ page, open }) => {
  await open("/lab");
  const faults = page.getByRole("navigation", { name: "Faults" });
  await faults.getByRole("link", { name: "Slow it down" }).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/fault=delay/);
  await expect(faults.getByRole("link", { name: "Slow it down" })).toHaveAttribute("aria-current", "true");
  await expect(page.getByRole("heading", { name: "Slow a link down", level: 2 })).toBeVisible();
  await expect(page.getByLabel("Milliseconds each way")).toHaveValue("300");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a link is slowed down and healed by forms alone", async ({ page }) => {
    await page.goto("/lab?fault=delay");
    await page.getByLabel("Milliseconds each way").fill("40");
    await page.getByRole("button", { name: "Slow gcp ⇄ aws" }).click();
    await expect(page).toHaveURL(/\/lab\?fault=delay/);
    await expect(page.locator(".lab-broken-link")).toHaveText(/gcp ⇄ aws 40 ms slower/);
    await page.getByRole("button", { name: "Heal gcp ⇄ aws" }).click();
    await expect(page.locator(".lab-broken-link")).toHaveCount(0);
    await expect(page.locator(".timeline")).toContainText("Healed gcp ⇄ aws.");
  });
});

test.describe("to an auditor", () => {
  test.use({ role: "auditor" });

  test("the lab can be watched, and says why no more", async ({ page, open, clouds }) => {
    await open("/lab");
    await expect(page.locator("main")).toContainText("The role auditor may not operate the fault lab; admin may. You can watch.");
    await expect(page.locator(".lab-cloud.of-gcp .lab-says")).toContainText("Sees aws");
    await expect(page.getByRole("button", { name: "Stop AWS" })).toBeDisabled();
    const watched = await page.request.get(`${clouds.gcp}/lab/v1/state`, bearer("demo-auditor"));
    expect(watched.ok()).toBe(true);
    const refused = await page.request.post(`${clouds.gcp}/lab/v1/links/gcp/aws/cut`, bearer("demo-auditor"));
    expect(refused.status()).toBe(403);
  });
});
