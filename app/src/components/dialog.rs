//! A native modal dialog with a heading. The browser traps focus, closes on Esc, and gives the
//! focus back to where it was.

use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::browser;
use crate::components::icon::Icon;

#[component]
pub(crate) fn Dialog(
    node: NodeRef<html::Dialog>,
    id: &'static str,
    #[prop(into)] title: Signal<String>,
    /// Open in the server's HTML, for who has no scripts to open it with.
    #[prop(optional)]
    open: bool,
    children: Children,
) -> impl IntoView {
    let heading = format!("{id}-title");
    // A press on the backdrop lands on the dialog element itself.
    let press = move |event: web_sys::MouseEvent| {
        let on_backdrop =
            event.target().zip(node.get_untracked()).is_some_and(|(target, dialog)| {
                let dialog: &web_sys::EventTarget = dialog.as_ref();
                target == *dialog
            });
        if on_backdrop {
            browser::close_dialog(node);
        }
    };
    view! {
        <dialog node_ref=node id=id class="dialog" open=open aria-labelledby=heading on:click=press>
            <div class="dialog-body">
                <header class="dialog-head">
                    <h2 id=heading.clone()>{title}</h2>
                    <button type="button" class="icon-button" aria-label="Close" on:click=move |_| browser::close_dialog(node)>
                        {Icon::Cross.view()}
                    </button>
                </header>
                {children()}
            </div>
        </dialog>
    }
}

/// Opens a dialog that stands elsewhere on the page than its button. Without one, the button's link
/// leads to the page with the dialog open.
pub(crate) fn open_named(event: &web_sys::MouseEvent, id: &'static str) {
    if browser::open_dialog_named(id) {
        event.prevent_default();
    }
}

/// Whether the address asks for it: `?act=` and its name.
pub(crate) fn is_asked(id: &'static str) -> bool {
    use_query_map().read_untracked().get("act").is_some_and(|asked| asked == id)
}

/// Closes the dialog and does nothing. `back`: where that leads without scripts.
#[component]
pub(crate) fn Leave(node: NodeRef<html::Dialog>, #[prop(into)] back: String) -> impl IntoView {
    let leave = move |event: web_sys::MouseEvent| {
        event.prevent_default();
        browser::close_dialog(node);
    };
    view! { <a class="button" href=back rel="external" on:click=leave>"Leave it"</a> }
}
