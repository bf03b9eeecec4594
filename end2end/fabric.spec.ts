// Fabric: a cloud is lost and the map, the votes and the switches say so; a drain does what its preview
// said; every answer can be explained, now and as it was.
import type { APIRequestContext, Page } from "@playwright/test";
import { bearer, expect, test } from "./console";
import { CLOUDS, type Cloud, type Clouds } from "./demonstration";

// A stopped cloud shuts its Postgres down, and verifies its own log before it speaks again.
test.setTimeout(240_000);
test.describe.configure({ mode: "serial" });
const CATCH_UP = { timeout: 120_000 };
const SOON = { timeout: 30_000 };

type State = {
  mode: string;
  clouds: Record<Cloud, { down: boolean; drained: boolean }>;
  regions: { region: string; cloud: Cloud; rttMs: Record<Cloud, number>; rttFrom: Record<Cloud, string> | null }[];
  switches: { eventId: string; mode: string; down: Cloud[]; at: string; moves: { region: string; to: Cloud }[] }[];
};

async function state(request: APIRequestContext, at = ""): Promise<State> {
  const answer = await request.get(`${at}/v1/fabric/state`, bearer("demo-auditor"));
  expect(answer.status()).toBe(200);
  return (await answer.json()) as State;
}

/** The story's round trips are final, and the first switch is recorded. */
const told = (request: APIRequestContext) =>
  expect(async () => {
    const now = await state(request);
    expect(now.mode).toBe("normal");
    expect(now.regions.length).toBeGreaterThan(9);
    expect(now.switches.length).toBeGreaterThan(0);
  }).toPass(CATCH_UP);

const row = (page: Page, region: string) => page.locator(".fabric-table tbody tr", { has: page.getByRole("rowheader", { name: region }) });
const serving = async (page: Page, region: string) => (await row(page, region).locator(".cell-pick strong").innerText()) as Cloud;

async function mend(page: Page, clouds: Clouds): Promise<void> {
  for (const cloud of CLOUDS) {
    const asked = cloud === "aws" ? "azure" : "aws";
    await page.request.post(`${clouds[asked]}/lab/v1/clouds/${cloud}/start`, bearer("demo-admin")).catch(() => null);
  }
  for (const cloud of CLOUDS) {
    await expect.poll(async () => (await page.request.get(`${clouds[cloud]}/readyz`).catch(() => null))?.status(), CATCH_UP).toBe(200);
    const drain = { cloud, drained: false, reason: "the end of a test" };
    if ((await state(page.request, clouds[cloud])).clouds[cloud].drained) {
      await page.request.post("/v1/fabric/drain?wait=final", { data: drain, ...bearer("demo-admin") });
    }
  }
}

test.afterEach(async ({ page, clouds, expectComplaint }) => {
  expectComplaint(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  await mend(page, clouds);
});

test("map and table say who serves whom and how far that is, with the same numbers", async ({ page, open, expectAccessible }) => {
  await told(page.request);
  await open("/");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Fabric" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Fabric");
  await expect(page.locator(".fabric-mode")).toContainText("All three clouds are up");
  await expect(page.locator(".fabric-mode")).toContainText("for longer than 14 s");
  const { regions } = await state(page.request);
  for (const { region, cloud, rttMs, rttFrom } of regions) {
    await expect(row(page, region).locator(".cell-pick strong")).toHaveText(cloud);
    if (!rttFrom) continue;
    const guessed = rttFrom[cloud] === "recorded" ? "" : "≈ ";
    await expect(row(page, region).locator(`[data-label=${cloud}]`)).toContainText(`${guessed}${Math.round(rttMs[cloud])} ms`);
  }
  const names = page.locator(".map-region-name");
  await expect(names.filter({ hasText: "us-west1 · 36 ms" })).toHaveCount(1);
  // Nobody needs a line to the cloud in their own place, and nobody knows where anywhere is.
  const away = regions.filter(({ cloud, rttMs, rttFrom }) => rttFrom && rttMs[cloud] > 0);
  expect(away.length).toBeGreaterThan(8);
  await expect(page.locator(".map-arcs path")).toHaveCount(away.length);
  await expect(page.getByRole("img", { name: /World map\. gcp serves \d+ region/ })).toBeVisible();
  for (const cloud of CLOUDS) await expect(page.locator(".map-site-name", { hasText: cloud })).toHaveCount(1);
  await expectAccessible();
});

test("a cloud that is lost leaves the map, and the switch says why and leads to its event", async ({ page, open, clouds, expectAccessible }) => {
  await told(page.request);
  await open("/fabric");
  const lost: Cloud = "azure";
  const before = await serving(page, "aws:eu-west-1");
  expect(before).toBe(lost);
  const answer = await page.request.post(`${clouds.gcp}/lab/v1/clouds/${lost}/stop`, bearer("demo-admin"));
  expect(answer.ok()).toBe(true);
  await expect(page.locator(".fabric-mode")).toContainText("azure is down", CATCH_UP);
  await expect(page.locator(".fabric-mode .badge")).toHaveText("Degraded");
  await expect(page.locator(".map-site.of-azure")).toHaveAttribute("data-state", "down");
  await expect(page.locator(".map-site-name", { hasText: "azure" })).toHaveText("azure, down");
  await expect(page.locator(".map-points > .of-azure")).toHaveCount(1);
  await expect(row(page, "aws:eu-west-1").locator(".cell-pick strong")).toHaveText("aws");
  await expect(page.locator(".fabric-cloud.of-azure .badge")).toHaveText("Down");
  const votes = page.locator(".votes-table");
  await expect(votes.locator("tfoot td").nth(2)).toHaveText("Down");
  await expect(votes.getByRole("row", { name: /^azure/ })).toContainText("no vote", SOON);
  const newest = page.locator(".switch").first();
  await expect(newest).toContainText("azure is down.", SOON);
  await expect(newest).toContainText("Normal → Degraded");
  const move = newest.locator(".switch-move[data-why=out]", { hasText: "azure → aws" });
  await expect(move).toContainText("aws:eu-west-1");
  await expect(move).toContainText("azure cannot serve; aws scores best of those that can.");
  await newest.locator("summary").click();
  await expect(newest).toContainText("azure is down: gcp and aws say so.");
  await expect(newest.locator(".switch-scores")).toContainText(/aws:eu-west-1: aws [\d.]+ ms, gcp [\d.]+ ms|aws:eu-west-1: gcp [\d.]+ ms, aws [\d.]+ ms/);
  await expectAccessible();
  await newest.getByRole("link", { name: /^Switch \d+$/ }).click();
  await expect(page.locator("main")).toContainText("routing.switch");
  await expect(page.locator("main")).toContainText("FINAL", SOON);
  await page.goBack();

  await page.request.post(`${clouds.gcp}/lab/v1/clouds/${lost}/start`, bearer("demo-admin"));
  await expect(page.locator(".fabric-mode .badge")).toHaveText("Normal", CATCH_UP);
  await expect(page.locator(".switch", { hasText: "azure is up again." }).first()).toBeVisible(SOON);
});

test("a drain comes to what its preview said, needs a reason, and ends", async ({ page, open, expectAccessible }) => {
  await told(page.request);
  await open("/fabric");
  await expect(row(page, "aws:eu-north-1").locator(".cell-pick strong")).toHaveText("azure", CATCH_UP);
  const before = (await state(page.request)).regions;
  await page.getByRole("link", { name: "Drain azure…" }).click();
  const dialog = page.getByRole("dialog", { name: "Drain azure?" });
  const moves = dialog.locator(".drain-moves li");
  await expect(moves.first()).toContainText("azure →");
  const preview = new Map<string, string>();
  for (const one of await moves.all()) preview.set((await one.getAttribute("data-region"))!, (await one.getAttribute("data-to"))!);
  expect([...preview.keys()].sort()).toEqual(before.filter(({ cloud }) => cloud === "azure").map(({ region }) => region).sort());
  await expectAccessible();
  // The browser itself refuses an empty reason.
  await dialog.getByRole("button", { name: "Drain azure" }).click();
  await expect(dialog).toBeVisible();
  await dialog.getByLabel("Reason, recorded in the ledger").fill("a new kernel on every machine");
  await dialog.getByRole("button", { name: "Drain azure" }).click();
  await expect(page).toHaveURL(/\/fabric\?done=/);
  await expect(page.locator(".fabric-cloud.of-azure .badge")).toHaveText("Drained", SOON);
  await expect(page.locator(".fabric-cloud.of-azure")).toContainText("a new kernel on every machine");
  for (const { region, cloud } of before) {
    await expect(row(page, region).locator(".cell-pick strong")).toHaveText(preview.get(region) ?? cloud, SOON);
  }
  await expect(page.locator(".switch").first()).toContainText("azure is drained.", SOON);
  await expect(page.locator(".fabric-capacity")).toContainText("requests a second");

  await page.getByRole("link", { name: "Put azure back…" }).click();
  const back = page.getByRole("dialog", { name: "Put azure back?" });
  await expect(back.locator(".drain-moves")).toContainText("→ azure");
  await back.getByLabel("Reason, recorded in the ledger").fill("done");
  await back.getByRole("button", { name: "Put azure back" }).click();
  await expect(page.locator(".fabric-cloud.of-azure .badge")).toHaveText("Up", SOON);
});

test("why here is answered for a region, an address, and a past time", async ({ page, open, expectAccessible }) => {
  await told(page.request);
  await open("/fabric");
  await row(page, "aws:ca-central-1").getByRole("link").click();
  await expect(page).toHaveURL(/region=aws%3Aca-central-1/);
  const steps = page.locator(".why-steps li");
  await expect(page.locator(".why-answer")).toContainText("Clients are sent to aws");
  await expect(steps.filter({ hasText: "by the votes of" })).toContainText("by the votes of gcp, aws and azure");
  await expect(steps.filter({ hasText: "How good each is" })).toContainText("round trip 14.1 ms (measured)");
  await expectAccessible();

  await page.getByLabel("or an address or network").fill("10.5.1.2");
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(steps.first()).toContainText("10.5.1.2 is in azure:japaneast; the answer holds for its whole /16.");
  // The region that was chosen before is left aside, and said to be.
  await expect(page.locator(".fabric-why")).toContainText("“aws:ca-central-1” is left aside");
  const address = page.getByLabel("or an address or network");
  await address.fill("10.5.1.999");
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page.locator(".fabric-why .form-error")).toContainText("Give an IPv4 or IPv6 address");
  await expect(address).toHaveAttribute("aria-invalid", "true");
  await expect(address).toBeFocused();
  await address.fill("10.5.1.2");
  await page.getByRole("button", { name: "Explain" }).click();

  // As it was when the first switch was recorded.
  const { switches } = await state(page.request);
  const newest = switches[0]!;
  await page.getByLabel("When, UTC; empty: now").fill(newest.at.slice(0, 19));
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page).toHaveURL(/at=/);
  await expect(page.locator(".fabric-why")).toContainText(/Clients were sent to|Nothing was recorded before/);
  await page.getByLabel("When, UTC; empty: now").fill("2020-01-01T00:00:00");
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page.locator(".fabric-why .form-error")).toContainText("Nothing was recorded before 2020-01-01");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the page is whole, explains and drains by forms alone", async ({ page }) => {
    await told(page.request);
    await page.goto("/fabric?region=aws%3Aeu-west-1");
    await expect(page.locator(".why-answer")).toContainText(/Clients are sent (to|by)/);
    await expect(page.locator(".map-arcs path").first()).toBeAttached();
    await page.goto("/fabric?act=drain-aws");
    const dialog = page.getByRole("dialog", { name: "Drain aws?" });
    await dialog.getByLabel("Reason, recorded in the ledger").fill("by hand");
    await dialog.getByRole("button", { name: "Drain aws" }).click();
    await expect(page).toHaveURL(/\/fabric\?done=/);
    await expect(page.locator(".recorded")).toContainText("What was recorded stands in the ledger");
    await expect(page.locator(".fabric-cloud.of-aws")).toContainText("by hand");
  });
});

test.describe("to an auditor", () => {
  test.use({ role: "auditor" });

  test("everything can be read, and nothing drained", async ({ page, open }) => {
    await open("/fabric");
    await expect(page.locator(".fabric-clouds")).toContainText("The role auditor may not drain a cloud or put it back; admin may.");
    await expect(page.getByRole("link", { name: /^Drain/ })).toHaveCount(0);
    const refused = await page.request.post("/fabric/act", { form: { act: "drain", cloud: "gcp", reason: "no" } });
    expect(refused.status()).toBe(403);
  });
});

for (const width of [390, 320]) {
  test.describe(`${width} pixels wide`, () => {
    test.use({ viewport: { width, height: 800 }, hasTouch: true, isMobile: true });

    test("an explanation and a drain's dialog fit", async ({ page, open, expectAccessible }) => {
      await told(page.request);
      await open("/fabric?region=gcp%3Aus-west1");
      await expect(page.locator(".why-answer")).toBeVisible();
      await page.getByRole("link", { name: "Drain azure…" }).click();
      await expect(page.getByRole("dialog", { name: "Drain azure?" })).toBeVisible();
      await expectAccessible();
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(sideways).toBeLessThanOrEqual(0);
    });
  });
}

test.describe("shares of the traffic", () => {
  test.use({ role: "controller" });

  test("are proposed here, approved by somebody else, dealt, and taken back", async ({ page, open, expectAccessible }) => {
    const admin = bearer("demo-admin");
    await open("/fabric");
    await page.getByText("Propose shares…").click();
    await page.getByLabel("gcp, %").fill("60");
    await page.getByLabel("aws, %").fill("30");
    await page.getByLabel("Reason, recorded in the ledger").first().fill("committed spend");
    await page.getByRole("button", { name: "Propose it" }).click();
    await expect(page.getByRole("status").or(page.getByRole("alert")).first()).toContainText("sum to 100");
    // What was typed stands there still.
    await expect(page.getByLabel("gcp, %")).toHaveValue("60");
    await expect(page.locator("#share-reason")).toHaveValue("committed spend");
    await page.getByLabel("aws, %").fill("40");
    await page.getByRole("button", { name: "Propose it" }).click();
    await expect(page).toHaveURL(/\/approvals\/[0-9a-f-]{36}/);
    await expect(page.getByRole("heading", { name: "Shares of the traffic: gcp 60 %, aws 40 %" })).toBeVisible();
    // 60 % of the 1300 requests a second that are expected: more than gcp takes, told and not refused.
    await expect(page.getByText("asks for 780 requests/s")).toBeVisible();
    const id = new URL(page.url()).pathname.split("/").at(-1);
    // Until it is decided no other is taken: said before the form, and by the refusal.
    await open("/fabric");
    const waiting = page.locator(".shares-waiting");
    await expect(waiting).toContainText("A proposal about shares waits: gcp 60 %, aws 40 %, proposed by controller@");
    await expect(waiting.getByRole("link", { name: "Decide about it first" })).toHaveAttribute("href", `/approvals/${id}`);
    const other = { shares: { gcp: "1" }, reason: "another" };
    const refused = await page.request.post("/v1/fabric/shares", { data: other, ...bearer("demo-controller") });
    expect(refused.status()).toBe(409);
    expect((await refused.json()).proposalId).toBe(id);
    const proposal = await (await page.request.get(`/v1/proposals/${id}`, admin)).json();
    const seen = { version: proposal.version, hash: proposal.hash };
    const approved = await page.request.post(`/v1/approvals/${id}/approve?wait=final`, { data: seen, ...admin });
    expect(approved.status()).toBe(201);
    await open("/fabric");
    await expect(page.locator(".shares-now")).toHaveText("gcp 60 %, aws 40 %", SOON);
    await expect(page.locator(".shares-over")).toContainText("gcp's share is 780 requests a second", SOON);
    await expect(waiting).toHaveCount(0);
    const headline = page.locator(".fabric-mode");
    await expect(headline).toContainText("the shares that people decided on say where clients go");
    await expect(headline).not.toContainText("scores best");
    await expect(headline.locator(".fabric-mode-shares")).toContainText(/Shares in force: gcp 60 %, aws 40 %\. Since .+, proposed by controller@\S+, approved by admin@/);
    await expect(headline.getByRole("link", { name: "The decision" })).toHaveAttribute("href", `/approvals/${id}`);
    const change = page.locator(".switch-shares").first();
    await expect(change).toContainText("Shares of the traffic in force: gcp 60 %, aws 40 %.");
    await expect(change).toContainText("committed spend");
    await expect(change.getByRole("link", { name: "Shares, version" })).toHaveAttribute("href", /\/ledger\/[0-9a-f-]{36}/);
    await expect(page.locator(".fabric-cloud.of-gcp .figures")).toContainText(/ % of networks, of 60 % decided/);
    const gcp = page.locator(".fabric-shares").getByRole("row", { name: /^gcp 60 %/ });
    await expect(gcp).toContainText("It has no room for its share: that is 780 requests/s at the busiest");
    await expect(page.getByRole("heading", { name: "Who would serve whom without shares" })).toBeVisible();
    await expectAccessible();
    await open("/fabric?subnet=100.64.3.9");
    await expect(page.locator(".why-steps")).toContainText("100.64.3.0/24 falls into the");
    await open("/fabric?region=aws%3Aeu-west-1");
    await expect(page.locator(".why-answer")).toContainText("Clients are sent by shares:");
    const preview = await (await page.request.get("/v1/fabric/preview?cloud=gcp", admin)).json();
    expect(preview.networksMoved).toBeCloseTo(0.6);
    const back = await page.request.post("/v1/fabric/shares/rollback?wait=final", { data: { reason: "the commitment ended" }, ...admin });
    expect(back.status()).toBe(201);
    await expect(page.locator(".fabric-shares")).toContainText("None are in force", SOON);
    await expect(page.locator(".switch-shares").first()).toContainText("Shares of the traffic are taken back: distance and load decide.");
    await expect(page.locator(".fabric-mode-shares")).toHaveCount(0);
  });
});
