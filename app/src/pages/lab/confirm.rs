//! What cannot be taken back in a moment asks first: what goes on without it, and what does not.

use leptos::html;
use leptos::prelude::*;

use crate::backend::LabOrder;
use crate::browser;
use crate::components::dialog::Dialog;
use crate::live::Live;
use crate::pages::lab::Bench;

#[derive(Clone, Copy)]
pub(super) struct Confirm {
    dialog: NodeRef<html::Dialog>,
    order: RwSignal<Option<LabOrder>>,
}

/// What a dialog says.
struct Question {
    title: String,
    consequence: &'static str,
    detail: &'static str,
    leave: &'static str,
    go: String,
}

impl Confirm {
    pub(super) fn new() -> Self {
        Confirm { dialog: NodeRef::new(), order: RwSignal::new(None) }
    }

    pub(super) fn open(self, order: LabOrder) {
        self.order.set(Some(order));
        browser::open_dialog(self.dialog);
    }
}

/// `None`: done at once. `all_up`: no other cloud is missing.
fn question(order: &LabOrder, all_up: bool) -> Option<Question> {
    match order {
        LabOrder::Stop { cloud } => Some(Question {
            title: format!("Stop {}?", cloud.title()),
            consequence: if all_up {
                "The other two go on making events final. New events wait for a third signature \
                 until it is back."
            } else {
                "Another cloud is down already. After this, new events are accepted and none becomes \
                 final until a second cloud is back. What is final stays final."
            },
            detail: "The process ends and its connections with it, as in an outage. Start brings it back.",
            leave: "Leave it running",
            go: format!("Stop {}", cloud.title()),
        }),
        LabOrder::Equivocate { cloud, .. } => Some(Question {
            title: format!("Have {} tell two stories?", cloud.title()),
            consequence: "Every cloud will hold the proof and sign no more of its log. It records nothing \
                          until it has new keys; the other two go on.",
            detail: "The way back is new keys: report the old one as stolen there, and agree to it at the other two clouds.",
            leave: "Leave it honest",
            go: "Tell two stories".to_owned(),
        }),
        _ => None,
    }
}

/// Does this order ask first?
pub(super) fn asks_first(order: &LabOrder) -> bool {
    question(order, true).is_some()
}

#[component]
pub(super) fn ConfirmDialog(bench: Bench) -> impl IntoView {
    let live = expect_context::<Live>();
    let Confirm { dialog, order } = bench.confirm;
    let asked = move || {
        let all_up = live.state.read().as_ref().is_none_or(|state| state.clouds_up == 3);
        order.read().as_ref().and_then(|order| question(order, all_up))
    };
    let confirm = move |_| {
        browser::close_dialog(dialog);
        if let Some(order) = order.get_untracked() {
            bench.act(order);
        }
    };
    let title = Signal::derive(move || asked().map_or_else(String::new, |question| question.title));
    view! {
        <Dialog node=dialog id="confirm" title>
            {move || asked().map(|question| view! {
                <p>{question.consequence}</p>
                <p class="muted">{question.detail}</p>
                <div class="dialog-acts">
                    <button type="button" class="button" on:click=move |_| browser::close_dialog(dialog)>{question.leave}</button>
                    <button type="button" class="button button-danger" on:click=confirm>{question.go}</button>
                </div>
            })}
        </Dialog>
    }
}
