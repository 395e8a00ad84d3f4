//! A small session store with a Scheme REPL that speaks nREPL.
