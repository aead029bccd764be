//! The page that shows, leg by leg, what a browser sent and what was decided.
