//! The reference page of all settings, made from their declarations.

use crate::{Config, aliases::ALIASES, setting::variable};

const INTRODUCTION: &str = "# Configuration

Made by `footfall config reference`. `footfall config print` shows what a process would use and where each value comes from, without
secrets; `footfall config check` says whether it is usable.

A value comes from the first of:

1. a command-line flag,
2. the `FOOTFALL_…` variable,
3. a name that platforms and other programs use ([below](#other-names)),
4. the TOML file that `--config` or the variable `FOOTFALL_CONFIG` names (the keys of the second column),
5. the default.

Each variable of the tables has a twin that ends in `_FILE` and names a file holding the value, for secrets that are mounted. A value
that is not accepted, a `FOOTFALL_…` variable or key that no setting has, and two names that contradict each other refuse to start; the
message names them all.
";

const OTHER_NAMES: &str = "
## Other names

A `FOOTFALL_…` variable decides over all of these. Of two names for one setting the upper one is the short one and is named as the source; set
both only to the same thing: names with different values refuse to start. An empty one counts as not set, and
so does a port of the form `tcp://…`, which Kubernetes sets for a service of that name. A part whose whole is missing, such as a topic
without brokers, refuses to start.

| name | stands for | form |
|---|---|---|
";

const AFTERWORD: &str = "
## What is read when

Settings, and the files that `_FILE` variables name, are read once, at start. To change one, restart the processes one after the other: a
restart loses nothing.

API keys are no configuration: `footfall token add` makes them, `footfall token revoke` ends them.
";

/// The page as Markdown.
pub(crate) fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (title, settings) in Config::SECTIONS {
        page.push_str(&format!("\n## {title}\n\n| variable | in the file | default | accepted | what it does |\n|---|---|---|---|---|\n"));
        for setting in *settings {
            let default = if setting.default.is_empty() { "(empty)".to_owned() } else { format!("`{}`", setting.default) };
            let others: Vec<String> =
                ALIASES.iter().filter(|alias| alias.key == setting.key).map(|alias| format!("`{}`", alias.name)).collect();
            let others = if others.is_empty() { String::new() } else { format!(" Also: {}.", others.join(", ")) };
            page.push_str(&format!(
                "| `{}` | `{}` | {default} | {} | {}{others} |\n",
                setting.variable(),
                setting.key,
                setting.form,
                setting.doc.trim()
            ));
        }
    }
    page.push_str(OTHER_NAMES);
    for alias in ALIASES {
        page.push_str(&format!("| `{}` | `{}` | {} |\n", alias.name, variable(alias.key), alias.note()));
    }
    page.push_str(AFTERWORD);
    page
}
