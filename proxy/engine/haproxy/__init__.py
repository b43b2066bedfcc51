"""WorkloadConfig to HAProxy 3.4: pure rendering, the difference of two renderings, and the Runtime API.

Layout (ADR 0003): one frontend per capture port, in TCP mode, which becomes HTTP per connection (`switch-mode http`);
everything that changes often is data in map files; every backend is a bare name on a named `defaults`, so that it can
also be made and removed at run time.
"""
