# shells: dash ash bash
echo "${x:-a\
b}" "${x:-c\}d}" "${x:-"e\
f"}" ${x:-g\
h}
