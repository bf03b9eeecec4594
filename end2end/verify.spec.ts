// Verifying without us: the network is off, and a changed receipt is found out.
import { bearer, expect, test } from "./console";
import type { Page } from "@playwright/test";

type File = { name: string; mimeType: string; buffer: Buffer };
const file = (name: string, text: string): File => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

async function fetched(page: Page, path: string): Promise<string> {
  const answer = await page.request.get(path, bearer("demo-auditor"));
  expect(answer.status()).toBe(200);
  return answer.text();
}

test.beforeEach(({ expectComplaint }) => {
  // The stream, which wants the network back.
  expectComplaint(/ERR_INTERNET_DISCONNECTED/);
});

test("a receipt and a policy file are verified with the network off", async ({ page, context, open, replicated }) => {
  const receipt = await fetched(page, `/v1/events/${replicated.split("/").pop()}/receipt`);
  const policy = await fetched(page, "/v1/policy-file");
  await open("/verify");
  await expect(page.locator(".verify[data-ready]")).toBeVisible();
  await context.setOffline(true);
  await page.locator("#receipt").setInputFiles(file("event.receipt.json", receipt));
  await expect(page.locator(".verdict")).toHaveAttribute("data-state", "unidentified");
  await page.locator("#policy").setInputFiles(file("policy.txt", policy));
  await expect(page.locator(".verdict")).toHaveAttribute("data-state", "valid");
  await expect(page.locator(".step:not([data-state=valid], [data-state=unchecked])")).toHaveCount(0);
});

test("a receipt with another tenant in it is invalid", async ({ page, context, open, replicated }) => {
  const receipt = await fetched(page, `/v1/events/${replicated.split("/").pop()}/receipt`);
  const forged = receipt.replace(/("tenantId":\s*)"[^"]*"/, '$1"mallory"');
  expect(forged).not.toBe(receipt);
  await open("/verify");
  await expect(page.locator(".verify[data-ready]")).toBeVisible();
  await context.setOffline(true);
  await page.locator("#receipt").setInputFiles(file("forged.json", forged));
  await expect(page.locator(".verdict")).toHaveAttribute("data-state", "invalid");
  await expect(page.locator(".step[data-state=invalid]").first()).toBeVisible();
});

test("a tenant's price is followed to its evidence, and holds with the network off", async ({ page, context, open }) => {
  const policy = await fetched(page, "/v1/policy-file");
  await open("/optimizer/tenants");
  await page.locator("main table tbody a").first().click();
  await page.getByRole("link", { name: "Follow its price to the evidence" }).click();
  await expect(page).toHaveURL(/\/verify\?price=/);
  await expect(page.locator(".verdict")).toHaveAttribute("data-state", "unidentified");
  await context.setOffline(true);
  await page.locator("#policy").setInputFiles(file("policy.txt", policy));
  await expect(page.locator(".verdict")).toHaveAttribute("data-state", "valid");
  await expect(page.locator(".verify-id")).toContainText("The price of");
  await expect(page.locator(".step", { hasText: "of the list price of" }).first()).toBeVisible();
});

test("what is no receipt is refused in a sentence", async ({ page, open }) => {
  await open("/verify");
  await page.locator("#receipt").setInputFiles(file("cat.json", '{"a":'));
  await expect(page.locator(".proof .form-error")).toContainText("Not JSON");
  await expect(page.getByRole("heading", { name: "cat.json is not checked" })).toBeVisible();
});
