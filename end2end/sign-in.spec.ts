// The door: who comes in, who does not, and where it leads.
import { email, expect, PASSWORD, type Role, test } from "./console";

test.use({ role: null });

for (const role of ["controller", "auditor", "admin"] as Role[]) {
  test(`the ${role} of the demonstration comes in with one press`, async ({ page, open }) => {
    await open("/sign-in");
    await page.locator("button.person", { hasText: email(role) }).first().click();
    await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
    await expect(page.locator(".foot-name")).toContainText(email(role));
    await expect(page.locator(".foot-name")).toContainText(role);
  });
}

test("whoever was sent to the door comes back to the page that they wanted", async ({ page, open }) => {
  await open("/ledger?status=FINAL");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await page.getByLabel("E-mail").fill(email("auditor"));
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/ledger\?status=FINAL$/);
  await expect(page.getByRole("heading", { name: "Ledger", level: 1 })).toBeVisible();
});

test("a wrong password is told, and stands in no address", async ({ page, open }) => {
  await open("/sign-in");
  await page.getByLabel("E-mail").fill(email("admin"));
  await page.getByLabel("Password").fill("open sesame");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("alert")).toHaveText("This e-mail address and password do not belong together.");
  await expect(page.getByLabel("E-mail")).toHaveValue(email("admin"));
  await expect(page.getByLabel("Password")).toHaveValue("");
  expect(page.url()).not.toContain("sesame");
});

test("an unknown address is answered like a wrong password", async ({ page, open }) => {
  await open("/sign-in");
  await page.getByLabel("E-mail").fill("nobody@ternion.example");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("alert")).toHaveText("This e-mail address and password do not belong together.");
});

test("signing in never leads to another site", async ({ page, open, clouds }) => {
  await open("/sign-in?next=//elsewhere.example/ledger");
  await page.locator("button.person").first().click();
  await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
  expect(new URL(page.url()).origin).toBe(clouds.gcp);
});

test("signing out closes the door behind", async ({ page, open }) => {
  await open("/sign-in");
  await page.locator("button.person").first().click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await open("/ledger");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
});
