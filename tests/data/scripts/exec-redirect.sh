exec 3>out; echo to3 >&3; exec 3>&-; cat out
exec >log; echo hidden; exec >&2; cat log >&2
