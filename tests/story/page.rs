//! A page of documentation whose commands a story runs: fenced blocks that say who runs them.

/// One line of the page.
pub struct Line<'a> {
    pub who: &'a str,
    pub command: &'a str,
    /// The exit code that the page says, 0 where it says nothing.
    pub exit: i32,
    /// What stands behind the command.
    pub comment: &'a str,
}

/// The lines of all blocks that say who runs them, as in `sh alice`.
pub fn lines(page: &str) -> Vec<Line<'_>> {
    let mut who = None;
    let mut lines = Vec::new();
    for line in page.lines() {
        match (who, line.strip_prefix("```")) {
            (None, Some(fence)) => who = Some(fence.strip_prefix("sh ").unwrap_or_default()),
            (Some(_), Some(_)) => who = None,
            (Some(who), None) if !who.is_empty() => {
                let (command, comment) = line.split_once("  # ").unwrap_or((line, ""));
                let comment = comment.trim();
                let exit = comment.strip_prefix("exit ").map_or(0, |code| code.parse().unwrap());
                lines.push(Line { who, command: command.trim_end(), exit, comment });
            }
            (_, None) => {}
        }
    }
    lines
}
