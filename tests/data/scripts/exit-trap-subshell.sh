trap "echo outer" EXIT
(trap "echo inner" EXIT; echo sub)
(echo plain)
echo main
