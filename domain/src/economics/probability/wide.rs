//! Loops in the widest registers there are.

/// A loop over many numbers. What it calls must be inlined to profit, and the compiler inlines a
/// closure only while it is small: hence a type of its own for each.
pub(crate) trait Loop {
    fn run(self);
}

/// Compiled for several kinds of processor, and run for the one that it turns out to be.
#[cfg(not(target_family = "wasm"))]
#[inline(always)]
pub(crate) fn widely(work: impl Loop) {
    pulp::Arch::new().dispatch(Dispatched(work));
}

/// A browser refuses a whole module in which there is an instruction that it does not know: what
/// may be used is decided where the module is compiled.
#[cfg(target_family = "wasm")]
#[inline(always)]
pub(crate) fn widely(work: impl Loop) {
    work.run();
}

#[cfg(not(target_family = "wasm"))]
struct Dispatched<L>(L);

#[cfg(not(target_family = "wasm"))]
impl<L: Loop> pulp::NullaryFnOnce for Dispatched<L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.run();
    }
}
