module heddle.dev/build/pause

go 1.24
