//! Changing this cloud's own keys: two dialogs with plain forms. Without scripts a button leads to
//! this page with its dialog open.

use domain::cloud::Cloud;
use domain::epoch::Reason;
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::browser;
use crate::components::decision::{ConfirmBox, ReasonField};
use crate::components::dialog::{Dialog, open_named};
use crate::components::kept::typed;

const ROTATE: &str = "rotate";
const REPORT: &str = "report";

/// That cloud's own page Keys with the report begun: `of` is its address, `why` what happened.
pub(crate) fn report_address(of: &str, why: Reason) -> String {
    format!("{of}/ledger/keys?act={REPORT}&why={}", name_of(why))
}

/// `blocked`: an epoch waits already, or the log is being taken back.
#[component]
pub(super) fn ChangeButtons(may: bool, blocked: bool) -> impl IntoView {
    if !may {
        return ().into_any();
    }
    if blocked {
        return view! { <p class="muted">"The next change can begin when this one is done."</p> }
            .into_any();
    }
    view! {
        <p class="key-acts">
            <a class="button" href="?act=rotate" rel="external" on:click=move |event| open_named(&event, ROTATE)>"Rotate keys…"</a>
            <a class="button button-danger" href="?act=report" rel="external" on:click=move |event| open_named(&event, REPORT)>"Report stolen or lost…"</a>
        </p>
    }
    .into_any()
}

#[component]
pub(super) fn ChangeDialogs(cloud: Cloud, next: u32) -> impl IntoView {
    let query = use_query_map().get_untracked();
    let act = query.get("act").unwrap_or_default();
    let why = query.get("why").unwrap_or_default();
    let typed = typed(REPORT);
    let why = typed.or("why", why);
    let rotates = act == ROTATE || self::typed(ROTATE).is_there();
    let reports = act == REPORT || typed.is_there();
    view! { <RotateDialog cloud next open=rotates /> <ReportDialog cloud next open=reports why /> }
}

#[component]
fn RotateDialog(cloud: Cloud, next: u32, open: bool) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let title = format!("Rotate the keys of {}?", cloud.title());
    view! {
        <Dialog node id=ROTATE title=Signal::stored(title) open>
            <ul class="key-means">
                <li>{format!("Two new keys are made at {}, and epoch {next} of its log begins at once: clients notice nothing.", cloud.title())}</li>
                <li>"Another cloud approves it by itself, within a second. Until then new events are pending."</li>
                <li>"The old keys count for ever up to where their epoch ends, so old receipts stay valid."</li>
                <li>"There is no way back to the old keys. Back the key folder up again."</li>
            </ul>
            <BeginForm id=ROTATE node next go="Rotate keys" confirm="I know who keeps the backup of the key folder.">
                <input type="hidden" name="why" value=name_of(Reason::Rotation) />
            </BeginForm>
        </Dialog>
    }
}

#[component]
fn ReportDialog(
    cloud: Cloud,
    next: u32,
    open: bool,
    /// Chosen already, by where the reader comes from; empty: nothing.
    why: String,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let title = format!("What happened to the keys of {}?", cloud.title());
    let why = StoredValue::new(why);
    let choice = move |reason: Reason, text: &'static str| {
        let chosen = why.with_value(|why| why == name_of(reason));
        view! {
            <label class="choice">
                <input type="radio" name="why" value=name_of(reason) checked=chosen required />
                <span>{text}</span>
            </label>
        }
    };
    view! {
        <Dialog node id=REPORT title=Signal::stored(title) open>
            <ul class="key-means">
                <li>{format!("Epoch {next} begins at once, with new keys. The log ends at its last final event; what lies beyond is recorded again.")}</li>
                <li>"The old key cannot speak for itself any more: an admin at each of the other two clouds must agree. Until both have, new events are pending. Call them."</li>
                <li>"Of a stolen key nothing counts that it signed beyond the end; receipts whose quorum rested on it are to be fetched again."</li>
            </ul>
            <BeginForm id=REPORT node next go="Begin a new epoch" confirm="I have checked that it is so, and can reach the people at the other two clouds.">
                <div class="choices" role="radiogroup" aria-label="What happened">
                    {choice(Reason::KeyStolen, "Stolen: somebody else may hold it")}
                    {choice(Reason::KeyLost, "Lost: nobody has it any more")}
                    {choice(Reason::Faulty, "In doubt: there is evidence against this log")}
                </div>
            </BeginForm>
        </Dialog>
    }
}

#[component]
fn BeginForm(
    id: &'static str,
    node: NodeRef<html::Dialog>,
    next: u32,
    go: &'static str,
    confirm: &'static str,
    /// Why.
    children: Children,
) -> impl IntoView {
    let leave = move |event: web_sys::MouseEvent| {
        event.prevent_default();
        browser::close_dialog(node);
    };
    view! {
        <form class="act-form" method="post" action="/keys/act">
            <input type="hidden" name="act" value="begin" />
            <input type="hidden" name="epoch" value=next.to_string() />
            {children()}
            <ReasonField name=id />
            <ConfirmBox form=id text=confirm />
            <div class="dialog-acts">
                <a class="button" href="/ledger/keys" rel="external" on:click=leave>"Leave the keys"</a>
                <button class="button button-danger" type="submit">{go}</button>
            </div>
        </form>
    }
}

/// As the form sends it, and records write it.
const fn name_of(reason: Reason) -> &'static str {
    match reason {
        Reason::Rotation => "rotation",
        Reason::Restored => "restored",
        Reason::KeyLost => "keyLost",
        Reason::KeyStolen => "keyStolen",
        Reason::Faulty => "faulty",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_an_address_that_says_what_happened() {
        assert_eq!(
            report_address("http://127.0.0.1:3001", Reason::Faulty),
            "http://127.0.0.1:3001/ledger/keys?act=report&why=faulty"
        );
    }

    #[test]
    fn reasons_are_sent_as_records_write_them() {
        for reason in [Reason::Rotation, Reason::KeyLost, Reason::KeyStolen, Reason::Faulty] {
            let written = serde_json::to_value(reason).expect("a name");
            assert_eq!(written, name_of(reason));
        }
    }
}
