//! The page in a tab, as a person handles it: by what is to be seen, the mouse, the finger and the keyboard.

use std::future::Future;
use std::time::{Duration, Instant};

use fantoccini::Locator;
use fantoccini::actions::{
    Actions, InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, PointerAction, TouchActions,
};
use fantoccini::elements::Element;
use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};

use super::common::DEADLINE;
use super::driver::Browser;

/// The longest time until the page tries again to connect: 30 s, and a quarter more by chance.
const LONGEST_PAUSE: Duration = Duration::from_millis(37_500);

/// What stands in the list of messages, a line for each: `Ana: oi`, `você: oi`, `Ana (privado): oi`, or a sentence. What has
/// not been confirmed, or has failed, says so at its beginning.
const LINES: &str = r#"
    return [...document.querySelectorAll(arguments[0])].map((item) => {
        const state = ['pending', 'failed'].filter((name) => item.classList.contains(name)).map((name) => `[${name}] `).join('');
        const text = item.querySelector('.text');
        if (!text) return item.textContent;
        const head = item.querySelector('.head');
        return state + (head ? `${head.textContent}: ` : '') + text.textContent;
    });
"#;

/// What may be seen, by its id.
const TEXT: &str = r"
    const found = document.getElementById(arguments[0]);
    return found?.checkVisibility({ visibilityProperty: true }) ? found.innerText : null;
";

/// A tab with the page in it.
pub(crate) struct Page<'b> {
    pub(crate) browser: &'b Browser,
    pub(crate) tab: WindowHandle,
}

impl Page<'_> {
    /// Makes this the tab that is driven.
    pub(crate) async fn drive(&self) {
        self.browser.client.switch_to_window(self.tab.clone()).await.unwrap();
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.drive().await;
        self.browser.client.goto(url).await.unwrap();
    }

    pub(crate) async fn run(&self, script: &str, arguments: &[&str]) -> Value {
        self.drive().await;
        let arguments = arguments.iter().map(|&argument| argument.into()).collect();
        self.browser.client.execute(script, arguments).await.unwrap()
    }

    /// The page once more.
    pub(crate) async fn reload(&self) {
        self.drive().await;
        self.browser.client.refresh().await.unwrap();
    }

    /// Waits until a question has this answer.
    pub(crate) async fn until<T, F>(&self, what: &str, ask: impl Fn() -> F, is_it: impl Fn(&T) -> bool) -> T
    where
        T: std::fmt::Debug,
        F: Future<Output = T>,
    {
        self.until_within(DEADLINE, what, ask, is_it).await
    }

    async fn until_within<T, F>(
        &self,
        deadline: Duration,
        what: &str,
        ask: impl Fn() -> F,
        is_it: impl Fn(&T) -> bool,
    ) -> T
    where
        T: std::fmt::Debug,
        F: Future<Output = T>,
    {
        let start = Instant::now();
        loop {
            let answer = ask().await;
            if is_it(&answer) {
                return answer;
            }
            if start.elapsed() > deadline {
                let seen = self.run("return [location.href, document.body?.innerText]", &[]).await;
                let noted = self.browser.log("browser").await;
                panic!("in vain: {what}; there is {answer:?}; the page is {seen}; noted: {noted:?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a script returns `true`.
    pub(crate) async fn until_true(&self, script: &str) {
        self.until(script, || self.run(script, &[]), |answer| *answer == json!(true)).await;
    }

    /// The text of an element, if it can be seen.
    pub(crate) async fn text(&self, id: &str) -> Option<String> {
        self.run(TEXT, &[id]).await.as_str().map(str::to_owned)
    }

    /// Waits until an element can be seen, and has this in its text.
    pub(crate) async fn shows(&self, id: &str, expected: &str) -> String {
        let is_there = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains(expected));
        let what = format!("#{id} shows {expected:?}");
        self.until(&what, || self.text(id), is_there).await.unwrap()
    }

    /// Waits until an element cannot be seen.
    pub(crate) async fn hides(&self, id: &str) {
        self.until(&format!("#{id} is hidden"), || self.text(id), Option::is_none).await;
    }

    /// Waits until a page that has lost its connection is back by itself. The longer it has tried in vain, the longer it waits.
    pub(crate) async fn comes_back(&self) {
        let deadline = LONGEST_PAUSE + DEADLINE;
        self.until_within(deadline, "it is back by itself", || self.text("state"), Option::is_none).await;
    }

    /// All messages.
    pub(crate) async fn lines(&self) -> Vec<String> {
        serde_json::from_value(self.run(LINES, &["#messages > li"]).await).unwrap()
    }

    /// Waits until there is this message.
    pub(crate) async fn sees(&self, expected: &str) -> Vec<String> {
        let what = format!("the message {expected:?}");
        self.until(&what, || self.lines(), |lines| lines.iter().any(|line| line == expected)).await
    }

    /// Messages only, without what the server says.
    pub(crate) async fn said(&self) -> Vec<String> {
        serde_json::from_value(self.run(LINES, &["#messages > li.message"]).await).unwrap()
    }

    /// An element, as soon as it is there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        self.drive().await;
        let find = || async { self.browser.client.find(Locator::Css(css)).await.map_err(|error| error.to_string()) };
        self.until(&format!("{css} is there"), find, Result::is_ok).await.unwrap()
    }

    /// Clicks an element, as soon as it can be clicked: what moves or is covered cannot, and what has moved since it was looked
    /// where it is has been missed.
    pub(crate) async fn click(&self, css: &str) {
        self.rests().await;
        let click = || async { self.find(css).await.click().await.map_err(|error| error.to_string()) };
        self.until(&format!("{css} can be clicked"), click, Result::is_ok).await.unwrap();
    }

    /// Waits until nothing moves any more.
    pub(crate) async fn rests(&self) {
        self.until_true("return document.getAnimations().every(({ playState }) => playState !== 'running')").await;
    }

    /// Touches an element with a finger, as soon as it is there to be touched.
    pub(crate) async fn tap(&self, css: &str) {
        self.rests().await;
        let touch = || async {
            let element = self.find(css).await;
            self.run("document.querySelector(arguments[0]).scrollIntoView({ block: 'nearest' })", &[css]).await;
            let finger = TouchActions::new("finger".to_owned())
                .then(PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 })
                .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
                .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
            self.browser.client.perform_actions(finger).await.map_err(|error| error.to_string())
        };
        self.until(&format!("{css} can be touched"), touch, Result::is_ok).await.unwrap();
    }

    /// Presses keys, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        self.drive().await;
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in keys.chars() {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        self.browser.client.perform_actions(Actions::from(actions)).await.unwrap();
    }

    /// Writes into a field, in place of what is in it.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Gives a name at the form.
    pub(crate) async fn knock(&self, name: &str) {
        self.fill("#name", name).await;
        self.click("#enter").await;
    }

    /// Comes into the room.
    pub(crate) async fn enter(&self, name: &str) {
        self.knock(name).await;
        self.shows("self", name).await;
        self.hides("state").await;
    }

    /// Writes into the box, and sends it.
    pub(crate) async fn say(&self, text: &str) {
        self.fill("#box", text).await;
        self.click("#send").await;
    }

    /// Like [`Page::say`], for more than a keyboard has: characters beyond the 65,536 first ones, and thousands of them.
    pub(crate) async fn paste(&self, text: &str) {
        self.run(
            "const box = document.getElementById('box'); box.value = arguments[0]; \
             box.dispatchEvent(new InputEvent('input', { bubbles: true }))",
            &[text],
        )
        .await;
        self.click("#send").await;
    }

    /// Makes the tab a screen of this size, with a finger in place of a mouse.
    pub(crate) async fn on_phone(&self, width: u32, height: u32) {
        self.drive().await;
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true });
        self.browser.devtools("Emulation.setDeviceMetricsOverride", screen).await;
        let finger = json!({ "enabled": true, "maxTouchPoints": 1 });
        self.browser.devtools("Emulation.setTouchEmulationEnabled", finger).await;
    }

    /// Makes it a large screen and a mouse again.
    pub(crate) async fn on_laptop(&self) {
        self.drive().await;
        let screen = json!({ "width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.browser.devtools("Emulation.setDeviceMetricsOverride", screen).await;
        self.browser.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": false })).await;
    }

    /// Dark colours, or light ones.
    pub(crate) async fn in_colours(&self, scheme: &str) {
        self.drive().await;
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.browser.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Writes a picture of what is to be seen to `target/screenshots`.
    pub(crate) async fn picture(&self, name: &str) {
        self.rests().await;
        let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        std::fs::create_dir_all(&directory).unwrap();
        let picture = self.browser.client.screenshot().await.unwrap();
        std::fs::write(directory.join(format!("{name}.png")), picture).unwrap();
    }
}
