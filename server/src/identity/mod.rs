//! Users, sessions, tokens: who is asking, and may they?
