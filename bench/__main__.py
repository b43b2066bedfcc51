"""`make bench`."""

from bench.mesh import main

main()
