x="a b"; echo "$(echo "$x" | sed "s/ /-/")"; echo "${x:-"d e"}" ; y=$(printf "%s\n" "$(echo "in \"q\"")"); echo "$y"
