//! The frame that may speak to others, which this page may not: a document of its own, with no session
//! and no right to read anything here. It is handed an address, and hands back what came.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessageEvent};

use super::talk::Request;
use crate::browser;

/// Between looks whether the frame has come.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS_MAX: u32 = 200;
/// The frame itself gives up after twenty.
const ANSWER_MAX: Duration = Duration::from_secs(25);

#[derive(Clone, Copy)]
pub(super) struct Frame {
    node: NodeRef<html::Iframe>,
    wanted: RwSignal<bool>,
    ready: RwSignal<bool>,
}

impl Frame {
    pub(super) fn new() -> Self {
        Frame { node: NodeRef::new(), wanted: RwSignal::new(false), ready: RwSignal::new(false) }
    }

    /// It is fetched when something is asked for the first time.
    pub(super) fn view(self) -> impl IntoView {
        let Frame { node, wanted, ready } = self;
        move || {
            wanted.get().then(|| {
                view! {
                    <iframe node_ref=node class="ask-frame" src="/asking" sandbox="allow-scripts" title="Asks the addresses above" tabindex="-1" aria-hidden="true" on:load=move |_| ready.set(true)></iframe>
                }
            })
        }
    }

    /// What the address answers.
    ///
    /// # Errors
    /// A sentence without its subject, such as "it does not answer".
    pub(super) async fn ask(self, request: Request) -> Result<String, String> {
        self.wanted.set(true);
        for _ in 0..LOOKS_MAX {
            if self.ready.get_untracked() {
                break;
            }
            browser::pause(LOOK_EVERY).await;
        }
        let answer = self.exchange(&request).map_err(|_| UNREACHED.to_owned())?;
        let answer = JsFuture::from(answer).await.map_err(|_| UNREACHED.to_owned())?;
        read(&answer)
    }

    /// A promise of the frame's answer, or of nothing when that takes too long.
    fn exchange(self, request: &Request) -> Result<js_sys::Promise, JsValue> {
        let window = self.node.get_untracked().and_then(|frame| frame.content_window());
        let window = window.ok_or(JsValue::NULL)?;
        let channel = MessageChannel::new()?;
        let port = channel.port1();
        let answer = js_sys::Promise::new(&mut |resolve, _| {
            let late = resolve.clone();
            set_timeout(move || drop(late.call1(&JsValue::NULL, &JsValue::NULL)), ANSWER_MAX);
            let heard = Closure::once_into_js(move |event: MessageEvent| {
                let _ = resolve.call1(&JsValue::NULL, &event.data());
            });
            port.set_onmessage(Some(heard.unchecked_ref()));
        });
        let message = js_sys::Object::new();
        js_sys::Reflect::set(&message, &"url".into(), &request.url.as_str().into())?;
        if let Some(body) = &request.body {
            js_sys::Reflect::set(&message, &"body".into(), &body.as_str().into())?;
        }
        let ports = js_sys::Array::of1(&channel.port2());
        // Its origin is nobody's, and so has no name.
        window.post_message_with_transfer(&message, "*", &ports)?;
        Ok(answer)
    }
}

const UNREACHED: &str = "the part of this page that asks did not come: is the network off?";

fn read(answer: &JsValue) -> Result<String, String> {
    let part = |name: &str| js_sys::Reflect::get(answer, &name.into()).ok();
    if let Some(text) = part("text").and_then(|text| text.as_string()) {
        return Ok(text);
    }
    match part("error").and_then(|error| error.as_string()).as_deref() {
        Some("status") => {
            let status = part("status").and_then(|status| status.as_f64()).unwrap_or_default();
            Err(format!("it answers with HTTP {status}"))
        }
        Some("silent") => Err("it does not answer within 20 seconds".to_owned()),
        Some(_) => {
            Err("it is not there, or does not let pages ask: it must answer with the header \
             access-control-allow-origin: *"
                .to_owned())
        }
        None => Err(UNREACHED.to_owned()),
    }
}
