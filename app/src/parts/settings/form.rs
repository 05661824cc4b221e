//! Forms of the settings: fields that know what was typed and what is wrong with it.

use crate::{
    i18n::{Key, t},
    markup::Html,
    text::sentence,
    types::AppError,
};

/// The beginning of every form: where it goes, whose it is, for which domain.
pub(super) fn begin(html: &mut Html, class: &'static str, action: &'static str, csrf: &str, domain: &str) {
    html.raw(r#"<form method="post""#).attr("class", class).attr("action", action).raw(">");
    hidden(html, "csrf", csrf);
    hidden(html, "domain", domain);
}

/// A value that nobody types.
pub(super) fn hidden(html: &mut Html, name: &str, value: &str) {
    html.raw(r#"<input type="hidden""#).attr("name", name).attr("value", value).raw(">");
}

/// A field and what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    name: &'a str,
    label: Key,
    /// Its name in faults, and a part of its ids.
    fault: &'a str,
    value: &'a str,
    kind: &'static str,
    example: &'static str,
    hint: Option<Key>,
    required: bool,
    class: &'static str,
    list: Option<&'static str>,
}

impl<'a> Field<'a> {
    pub(super) const fn new(name: &'a str, fault: &'a str, label: Key, value: &'a str) -> Self {
        Self { name, label, fault, value, kind: "text", example: "", hint: None, required: false, class: "field", list: None }
    }

    /// The type of the input.
    pub(super) const fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    pub(super) const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    pub(super) const fn hint(self, hint: Key) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(super) const fn class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    /// The id of the list of values that it offers.
    pub(super) const fn list(self, id: &'static str) -> Self {
        Self { list: Some(id), ..self }
    }
}

/// A form under construction.
pub(super) struct Form<'a> {
    head: Html,
    body: Html,
    fault: Option<&'a AppError>,
    /// The fault stands next to a field.
    placed: bool,
}

impl<'a> Form<'a> {
    pub(super) fn new(class: &'static str, action: &'static str, (csrf, domain): (&str, &str), fault: Option<&'a AppError>) -> Self {
        let mut head = Html::new();
        begin(&mut head, class, action, csrf, domain);
        Self { head, body: Html::new(), fault, placed: false }
    }

    /// Markup between the fields.
    pub(super) const fn body(&mut self) -> &mut Html {
        &mut self.body
    }

    /// What is wrong with a field.
    pub(super) fn wrong(&self, field: &str) -> Option<&'a str> {
        match self.fault {
            Some(AppError::Invalid { field: wrong, message }) if wrong == field => Some(message),
            _ => None,
        }
    }

    /// What is wrong with a field that stands between the others: it is said there, and not on top.
    pub(super) fn wrong_here(&mut self, field: &str) -> Option<&'a str> {
        let wrong = self.wrong(field);
        self.placed |= wrong.is_some();
        wrong
    }

    fn label(&mut self, field: &Field<'_>) {
        self.body.raw("<div").attr("class", field.class).raw(r#"><label class="label""#).attr("for", format_args!("set-{}", field.fault));
        self.body.raw(">").text(t(field.label)).raw("</label>");
    }

    fn attributes(&mut self, field: &Field<'_>) {
        let wrong = self.wrong(field.fault).is_some();
        let html = &mut self.body;
        html.attr("id", format_args!("set-{}", field.fault)).attr("name", field.name);
        html.attr("aria-describedby", format_args!("hint-{0} wrong-{0}", field.fault)).attr_if(wrong, "aria-invalid", "true");
        html.attr_if(field.required, "required", "");
        // Who corrects a fault begins where it is.
        html.attr_if(wrong, "autofocus", "");
    }

    fn below(&mut self, field: &Field<'_>) {
        let wrong = self.wrong(field.fault);
        self.placed |= wrong.is_some();
        let html = &mut self.body;
        html.raw(r#"<span class="field-error" role="alert""#).attr("id", format_args!("wrong-{}", field.fault)).raw(">");
        html.text(wrong.map(sentence).unwrap_or_default()).raw("</span>");
        html.raw(r#"<span class="hint""#).attr("id", format_args!("hint-{}", field.fault)).raw(">");
        html.text(field.hint.map(t).unwrap_or_default()).raw("</span></div>");
    }

    /// One line.
    pub(super) fn input(&mut self, field: &Field<'_>) {
        self.label(field);
        self.body.raw(r#"<input class="input" autocomplete="off" autocapitalize="none" spellcheck="false""#).attr("type", field.kind);
        self.attributes(field);
        if !field.example.is_empty() {
            self.body.attr("placeholder", field.example);
        }
        if let Some(list) = field.list {
            self.body.attr("list", list);
        }
        self.body.attr("value", field.value).raw(">");
        self.below(field);
    }

    /// Several lines.
    pub(super) fn area(&mut self, field: &Field<'_>) {
        self.label(field);
        self.body.raw(r#"<textarea class="input" rows="3" autocapitalize="none" spellcheck="false""#);
        self.attributes(field);
        // The first line break after the tag is none of the text.
        self.body.raw(">\n").text(field.value).raw("</textarea>");
        self.below(field);
    }

    /// One of several: values and their names.
    pub(super) fn select<T: AsRef<str>>(&mut self, field: &Field<'_>, options: impl Iterator<Item = (T, T)>) {
        self.label(field);
        self.body.raw(r#"<select class="input""#);
        self.attributes(field);
        self.body.raw(">");
        for (value, name) in options {
            self.body.raw("<option").attr("value", value.as_ref()).attr_if(value.as_ref() == field.value, "selected", "").raw(">");
            self.body.text(name.as_ref()).raw("</option>");
        }
        self.body.raw("</select>");
        self.below(field);
    }

    /// The button, and the end. A fault that is no field's stands on top.
    pub(super) fn end(mut self, class: &'static str, button: &str) -> Html {
        if let Some(fault) = self.fault.filter(|_| !self.placed) {
            self.head.raw(r#"<p class="field-error" role="alert">"#).text(sentence(&fault.to_string())).raw("</p>");
        }
        self.body.raw("<div><button").attr("class", class).raw(">").text(button).raw("</button></div></form>");
        self.head.html(&self.body);
        self.head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fault: &AppError) -> String {
        let mut form = Form::new("form", "/api/app/x", ("token", "a.org"), Some(fault));
        form.input(&Field::new("entry[property][name]", "property", Key::SetPropertyName, "<b>"));
        form.end("button", "Add").into_string()
    }

    #[test]
    fn a_fault_stands_at_its_field_and_what_was_typed_stays() {
        let html = form(&AppError::Invalid { field: "property".to_owned(), message: "property `<b>` is odd".to_owned() });
        assert!(html.contains(r#"aria-invalid="true""#) && html.contains(r#"value="&lt;b&gt;""#), "{html}");
        assert!(html.contains(r#"id="wrong-property">Property `&lt;b&gt;` is odd.</span>"#) && !html.contains("<p class="), "{html}");
    }

    #[test]
    fn a_fault_of_no_field_stands_on_top() {
        let html = form(&AppError::Invalid { field: String::new(), message: "there are too many".to_owned() });
        assert!(html.contains(r#"<p class="field-error" role="alert">There are too many.</p>"#), "{html}");
        assert!(!html.contains("aria-invalid"), "{html}");
    }
}
