//! The worker beside the page, in Rust's words. Its other half is `app/engine/worker.js`.

use domain::economics::scenario::Scenario;
use domain::economics::simulation::Progress;
use domain::economics::study::{Board, Glance};
use serde::Deserialize;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen::{JsCast, UnwrapThrowExt};

use super::desk::Fingerprint as _;
use crate::browser;
use crate::encoding;
use crate::format::url_value;

/// What it says.
pub(super) enum Said {
    /// `at`: the position of the levers that it belongs to.
    Glance {
        glance: Box<Glance>,
        at: String,
    },
    Drawing(Progress),
    Board(Box<Board>),
    Refused(String),
}

/// A step, as the engine words it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Step {
    Drawing(Progress),
    Board(Box<Board>),
}

/// Ends with this value.
pub(super) struct Worker {
    worker: web_sys::Worker,
    _listens: Closure<dyn Fn(web_sys::MessageEvent)>,
    _fails: Closure<dyn Fn(web_sys::Event)>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.terminate();
    }
}

impl Worker {
    /// Starts it, and fetches for it what it is to work on. `None`: this browser has no workers of
    /// this kind, and the page goes on with what the server says.
    pub(super) fn employ(
        file: &str,
        request: &str,
        hear: impl Fn(Said) + Clone + 'static,
    ) -> Option<Worker> {
        let options = web_sys::WorkerOptions::new();
        options.set_type(web_sys::WorkerType::Module);
        let worker = web_sys::Worker::new_with_options(file, &options).ok()?;
        let heard = hear.clone();
        let listens = Closure::new(move |event: web_sys::MessageEvent| {
            if let Some(said) = read(&event.data()) {
                heard(said);
            }
        });
        let heard = hear.clone();
        let fails = Closure::new(move |_: web_sys::Event| {
            heard(Said::Refused("What computes beside the page could not be started.".to_owned()));
        });
        worker.set_onmessage(Some(listens.as_ref().unchecked_ref()));
        worker.set_onerror(Some(fails.as_ref().unchecked_ref()));
        open(worker.clone(), request.to_owned(), hear);
        Some(Worker { worker, _listens: listens, _fails: fails })
    }

    pub(super) fn aim(&self, levers: &Scenario) {
        let text = JsValue::from_str(&levers.fingerprint());
        let message = object(&[("aim", text.clone()), ("at", text)]);
        let _ = self.worker.post_message(&message);
    }
}

/// The inputs go from the network to the worker as they are: the page does not read them.
fn open(worker: web_sys::Worker, request: String, hear: impl Fn(Said) + 'static) {
    let address = format!("/v1/economics/inputs?{}", window_of(&request));
    leptos::task::spawn_local(async move {
        match browser::fetch_text(&address).await {
            Ok(inputs) => {
                let parts = [("inputs", inputs), ("request", request)];
                let parts = parts.map(|(name, text)| (name, JsValue::from_str(&text)));
                let _ = worker.post_message(&object(&[("open", object(&parts))]));
            }
            Err(problem) => hear(Said::Refused(problem)),
        }
    });
}

/// The window of usage that a request asks for, as a query string.
fn window_of(request: &str) -> String {
    let whole: serde_json::Value = encoding::read(request).unwrap_or_default();
    let pair = |name: &str| Some(format!("{name}={}", url_value(whole[name].as_str()?)));
    let pairs: Vec<String> = ["from", "to", "pricesAsOf"].into_iter().filter_map(pair).collect();
    pairs.join("&")
}

fn object(parts: &[(&str, JsValue)]) -> JsValue {
    let object = js_sys::Object::new();
    for (name, value) in parts {
        js_sys::Reflect::set(&object, &JsValue::from_str(name), value)
            .expect_throw("a plain object takes any property");
    }
    object.into()
}

fn read(data: &JsValue) -> Option<Said> {
    let text = |name: &str| {
        let value = js_sys::Reflect::get(data, &JsValue::from_str(name)).ok()?;
        value.as_string()
    };
    if let Some(glance) = text("glance") {
        let glance = encoding::read(&glance).ok()?;
        return Some(Said::Glance { glance, at: text("at")? });
    }
    if let Some(problem) = text("refused") {
        return Some(Said::Refused(problem));
    }
    match encoding::read(&text("step")?).ok()? {
        Step::Drawing(progress) => Some(Said::Drawing(progress)),
        Step::Board(board) => Some(Said::Board(board)),
    }
}
