# Reads lines of /etc/cron.d: five fields of time, a user, a command; or NAME=value. Fails on the first faulty line.

function fault(why) {
	printf "%s:%d: %s: %s\n", FILENAME, FNR, why, $0 > "/dev/stderr"
	failed = 1
	exit 1
}

# A field is a list of *, N, N-M, each of which may have a /step.
function check(field, low, high, name,    parts, n, i, step, bounds, m, j) {
	n = split(field, parts, ",")
	for (i = 1; i <= n; i++) {
		m = split(parts[i], step, "/")
		if (m > 2 || (m == 2 && step[2] !~ /^[1-9][0-9]*$/)) fault("step of the " name)
		if (step[1] == "*") continue
		if (step[1] !~ /^[0-9]+(-[0-9]+)?$/) fault("the " name " is no number, range or *")
		m = split(step[1], bounds, "-")
		for (j = 1; j <= m; j++) if (bounds[j] + 0 < low || bounds[j] + 0 > high) fault("the " name " is out of range")
		if (m == 2 && bounds[1] + 0 > bounds[2] + 0) fault("range of the " name)
	}
}

/^[ \t]*(#|$)/ { next }
/^[A-Za-z_][A-Za-z0-9_]*[ \t]*=/ { next }
{
	if (NF < 7) fault("fewer than seven fields")
	check($1, 0, 59, "minute")
	check($2, 0, 23, "hour")
	check($3, 1, 31, "day of the month")
	check($4, 1, 12, "month")
	check($5, 0, 7, "day of the week")
	if ($6 !~ /^[a-z_][a-z0-9_-]*$/) fault("the sixth field is no user")
	if ($0 ~ /(^|[^\\])%/) fault("a % that is not escaped ends the command")
	lines++
}
END {
	if (!failed && lines == 0) {
		print FILENAME ": no cron line" > "/dev/stderr"
		exit 1
	}
}
