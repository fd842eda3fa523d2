package e2e

import (
	"database/sql"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

const (
	byFileMethod = "FILE"
	inOneFile    = 66 // payouts of a round: more answers than are recorded in one database transaction
)

// fileWord is what the bank says of a payout in a file.
type fileWord string

const (
	fileFails   fileWord = "failed at first, and paid when it is in another file"
	fileReturns fileWord = "paid, and it comes back"
)

// casesInFiles are payouts of which one file is full, one that goes into another, and one that comes back.
func casesInFiles() (list []*course) {
	for i := range inOneFile {
		list = append(list, &course{name: "in a file", agreed: fmt.Sprintf("20.%02d", i), ends: "completed"})
	}
	list = append(list,
		&course{name: "in two files", agreed: "30", says: fileFails, ends: "completed"},
		&course{name: "in a file, and back", agreed: "31", says: fileReturns, ends: "pending_receiver"})
	for _, c := range list {
		c.asset, c.method, c.pays = assetCode, byFileMethod, usd(c.agreed)
	}
	return list
}

// fileMoments are what the names of those points begin with between which a payout in a file could be lost, or be in two.
func fileMoments() []string {
	points := []string{"after failing to hand over a batch"}
	for _, what := range []string{
		"the commit of store.(*DB).TakeBatch", "handing over a batch", "the commit of store.(*DB).DelayBatch", "the commit of payouts.(*Service).",
		"the commit of store.(*DB).FinishBatch", "the commit of store.(*DB).ClaimUnderWay", "asking a rail",
	} {
		points = append(points, "before "+what, "after "+what)
	}
	return points
}

// crashBank takes files and pays every line of each, as often as it is there: it knows no keys. It takes its turns in the
// goroutine of the test.
type crashBank struct {
	fileBank // for its books, and for how it writes answers
	x        *crashing
	taken    int                    // files
	left     map[string]os.FileInfo // those that it has left where they were, by path
	lines    []fileLine             // of all files, as often as they were there
	held     []string               // what it says when it is told to
}

// fileLine is one line of one file.
type fileLine struct {
	file, key, transaction string
	refused                bool
}

func newCrashBank(x *crashing) *crashBank {
	x.Helper()
	b := &crashBank{x: x, fileBank: fileBank{lies: lies{Books: string(x.bank)}, t: x.T, random: x.random}, left: map[string]os.FileInfo{}}
	for _, folder := range []string{b.orders(), b.answers()} {
		require.NoError(x, os.Mkdir(folder, 0o700))
	}
	return b
}

// rail is its entry in the settings.
func (b *crashBank) rail() string {
	return fmt.Sprintf("  - {name: %s, kind: csv, directory: %s, answers: %s, columns: [%s], batch_most: 100, batch_every: 500ms}\n",
		railFiles, b.orders(), b.answers(), accountColumn)
}

// goByFile has payments made and the payouts handed over, after it could not be done at first. One that failed goes into another
// file by an operator's word, and the bank says nothing of that before it is known that another came back: until then it is asked often.
func (x *crashing) goByFile(played []*course) {
	x.Helper()
	x.byFile.tidyUp()
	x.byFile.obstruct()
	x.payTogether(played)
	x.until("a file could not be written", func() bool {
		return x.db.number("SELECT COUNT(*) FROM payout_batches WHERE state = 'writing' AND last_error <> ''") > 0
	})
	x.byFile.clear()
	back, again := saidOf(played, fileReturns), saidOf(played, fileFails)
	x.until("what comes back was paid", func() bool { return x.status(back) == "completed" })
	x.byFile.say(time.Now(), x.byFile.keyOf(back)+",returned,,the account is closed\n")
	x.until("what is refused has failed", func() bool { return x.payouts(again, "failed") == 1 })
	x.command("payouts.(*Service).Retry", true, "payouts", "retry", again.state.ID)
	x.until("it is in another file", func() bool { return len(x.byFile.held) > 0 })
	x.until("it is known what came back", func() bool { return x.payouts(back, "returned") == 1 })
	x.byFile.speakOut()
}

// saidOf is the course of which the bank says something.
func saidOf(played []*course, word fileWord) *course {
	return played[slices.IndexFunc(played, func(c *course) bool { return c.says == word })]
}

// payTogether makes all payments in one ledger.
func (x *crashing) payTogether(played []*course) {
	x.Helper()
	payer := x.payers[assetCode]
	for _, c := range played {
		for _, p := range c.pays {
			payer.pay(c.state.Account, x.memoFor(c), p.amount)
		}
	}
	payer.await()
}

// payouts is how many of a course are in a state.
func (x *crashing) payouts(c *course, state string) int64 {
	x.Helper()
	return x.db.number("SELECT COUNT(*) FROM payouts WHERE transaction_id = $1 AND state = $2", c.state.ID, state)
}

func (b *crashBank) journal() string { return filepath.Join(b.orders(), ".handed-over") }

// tidyUp takes away the answers that everybody knows, and begins another file of them.
func (b *crashBank) tidyUp() {
	b.x.Helper()
	old, err := filepath.Glob(filepath.Join(b.answers(), "*.csv"))
	require.NoError(b.x, err)
	for _, path := range old {
		require.NoError(b.x, os.Remove(path))
	}
	b.files++
	require.NoError(b.x, os.WriteFile(filepath.Join(b.answers(), fmt.Sprintf("%04d.csv", b.files)), []byte("key,outcome,reference,reason\n"), 0o600))
}

// obstruct keeps anybody from writing files.
func (b *crashBank) obstruct() {
	b.x.Helper()
	if err := os.Rename(b.journal(), b.journal()+".away"); !os.IsNotExist(err) {
		require.NoError(b.x, err)
	}
	require.NoError(b.x, os.WriteFile(b.journal(), nil, 0o600))
}

func (b *crashBank) clear() {
	b.x.Helper()
	require.NoError(b.x, os.Remove(b.journal()))
	if err := os.Rename(b.journal()+".away", b.journal()); !os.IsNotExist(err) {
		require.NoError(b.x, err)
	}
}

// turn pays what is there and says what is to be said. Every other file is taken away, and what is there again is paid again; the
// others must stay what they are.
func (b *crashBank) turn() {
	b.x.Helper()
	files, err := filepath.Glob(filepath.Join(b.orders(), "*.csv"))
	require.NoError(b.x, err)
	for _, path := range files {
		info, err := os.Stat(path)
		require.NoError(b.x, err)
		if before, known := b.left[path]; known {
			require.True(b.x, os.SameFile(before, info) && info.ModTime().Equal(before.ModTime()), "%s was written again", path)
			continue
		}
		b.take(path)
		b.taken++
		if b.taken%2 == 0 {
			b.left[path] = info
			continue
		}
		require.NoError(b.x, os.Remove(path))
	}
	require.NoError(b.x, b.speak())
}

func (b *crashBank) take(path string) {
	b.x.Helper()
	file, err := os.Open(path)
	require.NoError(b.x, err)
	defer func() { _ = file.Close() }()
	lines, err := csv.NewReader(file).ReadAll()
	require.NoError(b.x, err, path)
	require.Equal(b.x, "key,transaction_id,amount,asset,funding_method,"+accountColumn, strings.Join(lines[0], ","))
	for _, line := range lines[1:] {
		require.Equal(b.x, bankAccount, line[5])
		b.pay(strings.TrimSuffix(filepath.Base(path), ".csv"), line)
	}
}

// pay pays a line, or refuses it, and prepares what will be said of it.
func (b *crashBank) pay(file string, line []string) {
	b.x.Helper()
	key, transaction := line[0], line[1]
	fails := b.x.wordOn(transaction) == fileFails
	l := fileLine{file: file, key: key, transaction: transaction, refused: fails && !b.refused(transaction)}
	b.lines = append(b.lines, l)
	now := time.Now().UTC()
	soon := now.Add(time.Duration(b.random.IntN(100)) * time.Millisecond)
	if l.refused {
		b.say(soon, key+",failed,,no such account\n")
		return
	}
	p := simulated.Payment{
		Key: anchor.PayoutKey(key), TransactionID: transaction, Amount: line[2], Asset: line[3], ExternalID: "F-" + key[:8], At: now, DeliveredAt: now,
	}
	require.NoError(b.x, b.book(p))
	truth := key + ",delivered," + p.ExternalID + ",\n"
	if fails {
		b.held = append(b.held, truth)
		return
	}
	b.say(soon, truth)
}

// speakOut has it say what it has kept to itself.
func (b *crashBank) speakOut() {
	for _, line := range b.held {
		b.say(time.Now(), line)
	}
	b.held = nil
}

func (b *crashBank) refused(transaction string) bool {
	return slices.ContainsFunc(b.lines, func(l fileLine) bool { return l.transaction == transaction && l.refused })
}

// keyOf is the key under which it was asked to pay a course's transaction.
func (b *crashBank) keyOf(c *course) string {
	b.x.Helper()
	i := slices.IndexFunc(b.lines, func(l fileLine) bool { return l.transaction == c.state.ID })
	require.NotEqual(b.x, -1, i, c.name)
	return b.lines[i].key
}

func (x *crashing) wordOn(transaction string) fileWord {
	for _, c := range x.courses {
		if c.state.ID == transaction {
			return c.says
		}
	}
	return ""
}

// requireFiles checks that the bank was asked for each payout in one file, once, and that the files are the batches.
func (b *crashBank) requireFiles() {
	b.x.Helper()
	b.turn()
	asked, files := map[string]string{}, map[string]int{}
	open := map[string]string{} // files in which a transaction is that was not refused
	for _, l := range b.lines {
		require.NotContains(b.x, asked, l.key, "a key twice, in %s", l.file)
		require.NotContains(b.x, open, l.transaction, "a transaction that was not refused in another file, %s", l.file)
		asked[l.key] = l.file
		files[l.file]++
		if !l.refused {
			open[l.transaction] = l.file
		}
	}
	require.Equal(b.x, b.batches(), files, "the files and what is in them")
	members := map[string]string{}
	b.x.db.each(`SELECT a.key, b.rail, b.number, b.hash FROM payout_attempts a JOIN payout_batches b ON b.id = a.batch_id`, func(r *sql.Rows) error {
		var key string
		name, err := scanFile(r, &key)
		members[key] = name
		return err
	})
	require.Equal(b.x, members, asked, "who is in which file")
}

// batches are those of the database by the names of their files, with the numbers of their members.
func (b *crashBank) batches() map[string]int {
	b.x.Helper()
	files, last := map[string]int{}, int64(0)
	b.x.db.each("SELECT payouts, number, state, rail, number, hash FROM payout_batches ORDER BY number", func(r *sql.Rows) error {
		var payouts int
		var number int64
		var state string
		name, err := scanFile(r, &payouts, &number, &state)
		require.Equal(b.x, last+1, number, "numbers have no gaps")
		require.Equal(b.x, "written", state, name)
		files[name], last = payouts, number
		return err
	})
	return files
}

// scanFile reads the rest of a row, which is what the name of a file is made of.
func scanFile(r *sql.Rows, before ...any) (name string, err error) {
	var rail, hash string
	var number int64
	if err := r.Scan(append(before, &rail, &number, &hash)...); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s-%d-%.8s", rail, number, hash), nil
}
