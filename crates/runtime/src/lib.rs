//! What every daemon needs: logs, readiness, drain.
