//! What the forms of pages have in common: reading one, and leading back to its page.

use axum::extract::Form;
use axum::extract::rejection::FormRejection;

use super::ask::in_words;
use crate::identity::query_value;
use crate::problem::Problem;

/// So long a page waits to show what was done as done.
pub(super) const EFFECT_MS: u64 = 2_500;

/// What a form says.
///
/// # Errors
/// It is none, or not of this page.
pub(super) fn read_form<T>(form: Result<Form<T>, FormRejection>) -> Result<T, Problem> {
    match form {
        Ok(Form(wanted)) => Ok(wanted),
        Err(cause) => {
            Err(Problem::malformed(format!("The form cannot be read: {}.", in_words(&cause))))
        }
    }
}

/// The word for what was wrong with a form, which the address of its page carries: the field of an
/// invalid one, and otherwise the problem's code.
///
/// # Errors
/// The problem itself, where it is not one of the form.
pub(super) fn word(problem: Problem) -> Result<String, Problem> {
    if problem.status >= 500 && problem.code != "busy" {
        return Err(problem);
    }
    let field = problem.errors.first().and_then(|error| error.field.rsplit('/').next());
    let told = field.filter(|_| problem.code == "invalid");
    Ok(query_value(told.unwrap_or(problem.code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_by_its_field_and_a_fault_is_no_mistake() {
        let bands = Problem::invalid("They rise.").field("/payload/sla/bands", "rise");
        assert_eq!(word(bands).expect("a mistake"), "bands");
        let closed = Problem::conflict("It is closed.").field("/state", "is closed");
        assert_eq!(word(closed).expect("told by its code"), "conflict");
        assert_eq!(word(Problem::busy("Too much.")).expect("try again"), "busy");
        assert_eq!(word(Problem::fault("broken")).expect_err("a fault").status, 500);
    }
}
