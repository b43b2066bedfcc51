"""The command line of Heddle: installs the mesh, checks it, shows what it runs. The only caller of Helm."""
