trap "echo a" TERM INT
trap "echo x" EXIT
trap - INT TERM
trap - EXIT
trap; echo end
