//! Everything that touches the browser's own API. Called from effects and event handlers only,
//! which never run on the server.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::clock::Timestamp;
use leptos::html;
use leptos::prelude::*;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::backend::{Problem, Theme};
use crate::encoding::read;

/// Largest file that is read into the page. Receipts are a few kilobytes, bundles some hundred.
pub(crate) const FILE_BYTES_MAX: f64 = 16.0 * 1024.0 * 1024.0;

pub(crate) fn now() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit into i64")]
    Timestamp::from_unix_ms(js_sys::Date::now() as i64)
}

/// Minutes east of UTC of this browser's zone at that instant.
pub(crate) fn offset_minutes(at: Timestamp) -> i32 {
    let ms = JsValue::from_f64(crate::format::as_f64(at.unix_ms()));
    #[expect(clippy::cast_possible_truncation, reason = "offsets are whole minutes below a day")]
    let west = js_sys::Date::new(&ms).get_timezone_offset() as i32;
    -west
}

/// A setting of this browser that the server need not know. Absent where storage is refused.
pub(crate) fn remembered(key: &str) -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(key).ok().flatten()
}

pub(crate) fn remember(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        // A full or refused storage loses a preference and nothing else.
        let _ = storage.set_item(key, value);
    }
}

fn element(id: &str) -> Option<web_sys::HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

pub(crate) fn focus(id: &str) {
    if let Some(element) = element(id) {
        let _ = element.focus();
    }
}

/// Is something of this kind on the page just now?
pub(crate) fn is_there(selector: &str) -> bool {
    document().query_selector(selector).is_ok_and(|found| found.is_some())
}

pub(crate) fn scroll_top(id: &str) -> i32 {
    element(id).map_or(0, |element| element.scroll_top())
}

/// At the next frame: what was built just now stands in the document by then.
pub(crate) fn scroll_to(id: &'static str, top: i32) {
    request_animation_frame(move || {
        if let Some(element) = element(id) {
            element.set_scroll_top(top);
        }
    });
}

/// Moves the focus to the link of the next or previous row of a list; to the first, from elsewhere.
pub(crate) fn step_row(forward: bool) {
    const ROW: &str = ".events tbody tr";
    const LINK: &str = ".cell-event a";
    let here = document().active_element().and_then(|active| active.closest(ROW).ok().flatten());
    let row = match (here, forward) {
        (Some(here), true) => here.next_element_sibling(),
        (Some(here), false) => here.previous_element_sibling(),
        (None, _) => document().query_selector(ROW).ok().flatten(),
    };
    let link = row.and_then(|row| row.query_selector(LINK).ok().flatten());
    if let Some(link) = link.and_then(|link| link.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = link.focus();
    }
}

/// Ticks or unticks the box of the row that has the focus.
pub(crate) fn pick_row() {
    let row = document().active_element().and_then(|active| active.closest("tr").ok().flatten());
    let mark = row.and_then(|row| row.query_selector("input[type=checkbox]").ok().flatten());
    if let Some(mark) = mark.and_then(|mark| mark.dyn_into::<web_sys::HtmlElement>().ok()) {
        mark.click();
    }
}

/// Presses a button, if it is there.
pub(crate) fn press(id: &str) {
    if let Some(button) = element(id) {
        button.click();
    }
}

pub(crate) fn scroll_into_view(id: &str) {
    if let Some(element) = element(id) {
        element.scroll_into_view_with_bool(false);
    }
}

/// At the next frame: scrolls a list sideways until the link of the page that is open stands in its
/// middle. The page itself stays where it is.
pub(crate) fn centre_current(id: &'static str) {
    request_animation_frame(move || {
        let Some(list) = element(id) else { return };
        let link = list.query_selector("[aria-current=page]").ok().flatten();
        let link = link.and_then(|link| link.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(link) = link {
            let left = link.offset_left() - list.offset_left();
            list.set_scroll_left(left - (list.client_width() - link.offset_width()) / 2);
        }
    });
}

/// Is the reader typing? Then single keys are text, not commands.
pub(crate) fn is_typing(event: &web_sys::KeyboardEvent) -> bool {
    let Some(target) = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok())
    else {
        return false;
    };
    matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
        || target.has_attribute("contenteditable")
}

pub(crate) fn open_dialog(dialog: NodeRef<html::Dialog>) {
    if let Some(dialog) = dialog.get_untracked()
        && !dialog.open()
    {
        let _ = dialog.show_modal();
    }
}

/// Whether there is one of this id.
pub(crate) fn open_dialog_named(id: &str) -> bool {
    let dialog = document().get_element_by_id(id);
    let Some(Ok(dialog)) = dialog.map(JsCast::dyn_into::<web_sys::HtmlDialogElement>) else {
        return false;
    };
    if !dialog.open() {
        let _ = dialog.show_modal();
    }
    true
}

pub(crate) fn close_dialog(dialog: NodeRef<html::Dialog>) {
    if let Some(dialog) = dialog.get_untracked() {
        dialog.close();
    }
}

/// Whether the text reached the clipboard.
pub(crate) async fn copy(text: &str) -> bool {
    let write = window().navigator().clipboard().write_text(text);
    JsFuture::from(write).await.is_ok()
}

const ALIVE: &str = "data-alive";

/// Tells the style sheet (and tests) that controls which need us now work.
#[cfg(feature = "hydrate")]
pub(crate) fn mark_alive() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute(ALIVE, "");
    }
}

/// Whether the server's HTML has been taken over.
pub(crate) fn is_alive() -> bool {
    document().document_element().is_some_and(|root| root.has_attribute(ALIVE))
}

/// The content is about to be another: shown, and told to screen readers, until dropped.
pub(crate) struct Busy(Option<web_sys::HtmlElement>);

pub(crate) fn mark_busy(id: &str) -> Busy {
    let element = element(id);
    if let Some(element) = &element {
        let _ = element.set_attribute("aria-busy", "true");
    }
    Busy(element)
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(element) = &self.0 {
            let _ = element.remove_attribute("aria-busy");
        }
    }
}

/// Whether the server answers at all.
pub(crate) async fn is_served() -> bool {
    JsFuture::from(window().fetch_with_str("/livez")).await.is_ok()
}

/// Leaves this document for another.
pub(crate) fn load(address: &str) {
    let _ = window().location().set_href(address);
}

pub(crate) async fn pause(length: Duration) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        set_timeout(move || drop(resolve.call0(&JsValue::NULL)), length);
    });
    let _ = JsFuture::from(promise).await;
}

/// Shows the scheme at once, and tells the server for the next first paint.
pub(crate) fn set_theme(theme: Theme) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", theme_name(theme));
    }
    let request = web_sys::RequestInit::new();
    request.set_method("POST");
    request.set_body(&JsValue::from_str(&format!("theme={}&next=%2F", theme_name(theme))));
    if let Ok(headers) = headers(&[("content-type", "application/x-www-form-urlencoded")]) {
        request.set_headers(&headers);
    }
    let sent = window().fetch_with_str_and_init("/preferences", &request);
    leptos::task::spawn_local(async move {
        // Offline, the choice holds until the next reload.
        let _ = JsFuture::from(sent).await;
    });
}

fn headers(pairs: &[(&str, &str)]) -> Result<JsValue, JsValue> {
    let headers = js_sys::Object::new();
    for (name, value) in pairs {
        js_sys::Reflect::set(&headers, &JsValue::from_str(name), &JsValue::from_str(value))?;
    }
    Ok(headers.into())
}

pub(crate) const fn theme_name(theme: Theme) -> &'static str {
    match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    }
}

/// The bytes of the first file that was dropped or chosen.
///
/// # Errors
/// A sentence for the reader: no file, too large, or unreadable.
pub(crate) async fn read_file(
    files: Option<web_sys::FileList>,
) -> Result<(String, Vec<u8>), String> {
    let file = files.and_then(|files| files.get(0)).ok_or("No file was chosen.")?;
    if file.size() > FILE_BYTES_MAX {
        return Err(format!("{} is larger than 16 MiB; no bundle is.", file.name()));
    }
    let bytes = JsFuture::from(file.array_buffer())
        .await
        .map_err(|_| format!("{} could not be read.", file.name()))?;
    Ok((file.name(), js_sys::Uint8Array::new(&bytes).to_vec()))
}

/// What this server answers at a path of its own.
///
/// # Errors
/// A sentence for the reader: the server's own words, or that it cannot be reached.
pub(crate) async fn fetch_bytes(path: &str) -> Result<Vec<u8>, Problem> {
    let unreachable = || Problem::from_server_fn_error(ServerFnErrorErr::Request(String::new()));
    let answer = JsFuture::from(window().fetch_with_str(path)).await.map_err(|_| unreachable())?;
    let answer: web_sys::Response = answer.dyn_into().map_err(|_| unreachable())?;
    let body = answer.array_buffer().map_err(|_| unreachable())?;
    let body = JsFuture::from(body).await.map_err(|_| unreachable())?;
    let bytes = js_sys::Uint8Array::new(&body).to_vec();
    if answer.ok() {
        return Ok(bytes);
    }
    Err(read(&String::from_utf8_lossy(&bytes)).unwrap_or_else(|_| unreachable()))
}

/// What a GET form would ask for, without the empty fields.
pub(crate) fn form_url(event: &web_sys::SubmitEvent) -> Option<String> {
    let form: web_sys::HtmlFormElement = event.target()?.dyn_into().ok()?;
    let given = fields_of(&form)?.into_iter().filter(|(_, value)| !value.trim().is_empty());
    let pairs: Vec<String> = given
        .map(|(name, value)| format!("{name}={}", crate::format::url_value(value.trim())))
        .collect();
    let path = form.get_attribute("action")?;
    Some(if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) })
}

/// What a POST form would send, the button that was pressed included.
pub(crate) fn form_fields(event: &web_sys::SubmitEvent) -> BTreeMap<String, String> {
    let form = event.target().and_then(|target| target.dyn_into().ok());
    let fields = form.and_then(|form: web_sys::HtmlFormElement| fields_of(&form));
    let mut fields: BTreeMap<String, String> = fields.into_iter().flatten().collect();
    if let Some(button) = event.submitter()
        && let (Some(name), Some(value)) =
            (button.get_attribute("name"), button.get_attribute("value"))
    {
        fields.insert(name, value);
    }
    fields
}

fn fields_of(form: &web_sys::HtmlFormElement) -> Option<Vec<(String, String)>> {
    let data = web_sys::FormData::new_with_form(form).ok()?;
    let pairs = js_sys::try_iter(&data).ok()??.flatten().filter_map(|pair| {
        let pair = js_sys::Array::from(&pair);
        Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
    });
    Some(pairs.collect())
}

/// Submits the form that an input belongs to, as its button would.
pub(crate) fn submit_form_of(event: &web_sys::Event) {
    let form = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|element| element.closest("form").ok().flatten())
        .and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok());
    if let Some(form) = form {
        let _ = form.request_submit();
    }
}

/// A steady clock for measuring, in milliseconds.
pub(crate) fn precise_ms() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// The text of an answer of this server.
///
/// # Errors
/// A sentence for the reader: the server's own, where it has one.
pub(crate) async fn fetch_text(address: &str) -> Result<String, String> {
    let away = || "This cloud cannot be reached.".to_owned();
    let response = JsFuture::from(window().fetch_with_str(address)).await.map_err(|_| away())?;
    let response: web_sys::Response = response.dyn_into().map_err(|_| away())?;
    let text = JsFuture::from(response.text().map_err(|_| away())?).await.map_err(|_| away())?;
    let text = text.as_string().unwrap_or_default();
    if response.ok() {
        return Ok(text);
    }
    let problem = read::<Problem>(&text);
    Err(problem.map_or_else(|_| "The server refused.".to_owned(), |problem| problem.detail))
}

/// A finite number of decimal digits. Rust would read it to the same bits, by tables of 10 kB.
pub(crate) fn read_number(text: &str) -> Option<f64> {
    #[cfg(target_family = "wasm")]
    let number = Some(js_sys::parse_float(text));
    #[cfg(not(target_family = "wasm"))]
    let number = text.parse().ok();
    number.filter(|number: &f64| number.is_finite())
}

/// Another address for what stands here already: nothing is loaded, and back leads where it led.
pub(crate) fn rewrite_address(address: &str) {
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        let _ = history.replace_state_with_url(&state, "", Some(address));
    }
}

/// The query string of the address.
pub(crate) fn search() -> String {
    window().location().search().unwrap_or_default()
}

/// [`rewrite_address`], and Back leads to the address that stood before.
pub(crate) fn step_to(path: &str) {
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        let here = location_path();
        if here != path {
            let _ = history.push_state_with_url(&state, "", Some(path));
        }
    }
}

fn location_path() -> String {
    let location = window().location();
    let part = |part: Result<String, JsValue>| part.unwrap_or_default();
    part(location.pathname()) + &part(location.search())
}

/// The address of this page, whole.
pub(crate) fn address() -> String {
    window().location().href().unwrap_or_default()
}

pub(crate) fn print() {
    let _ = window().print();
}
