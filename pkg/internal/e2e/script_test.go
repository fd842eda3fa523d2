package e2e

import (
	"context"
	"errors"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stellar/go-stellar-sdk/keypair"

	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/sender"
)

// TestScripts runs the command lines in testdata/script as an operator types them. Besides the usual commands of testscript
// they have:
//
//	exits CODE PROGRAM [ARGUMENT…]         runs a program that has to end with this code
//	until [NAME=]PATTERN PROGRAM [ARG…]    repeats a program until its output matches; NAME is set to the first group
//	answers URL                            waits until an address answers 200
//	sender                                 makes a sending anchor that has money; serve must run
//	pay ACCOUNT MEMO AMOUNT                pays as that sender, with a memo of type id
//	transfer AMOUNT                        begins a whole transfer of that sender, people included
//	completed                              waits for the transfer and checks that it was completed
func TestScripts(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		testscript.Run(t, testscript.Params{
			Dir: filepath.Join("testdata", "script"), RequireExplicitExec: true, RequireUniqueNames: true,
			Setup: func(env *testscript.Env) error {
				env.Setenv("DATABASE_URL", "sqlite:"+filepath.Join(env.WorkDir, "anchor.db"))
				if engine == "postgres" {
					env.Setenv("DATABASE_URL", pgtest.URL(t))
				}
				home := freeAddress(t)
				env.Setenv("HOST_URL", "http://"+home)
				env.Setenv("OPERATOR", freeAddress(t))
				s := newStage("http://" + home)
				env.Defer(s.close)
				env.Setenv("HORIZON_URI", s.server.URL)
				env.Values[stageKey{}] = s
				return nil
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"exits": exits, "until": until, "answers": answers,
				"sender": makeSender, "pay": pay, "transfer": transfer, "completed": completed,
			},
		})
	})
}

type stageKey struct{}

// stage is what is around the commands of one script.
type stage struct {
	ctx     context.Context
	network *sandbox.Network
	server  *httptest.Server
	home    string
	sender  *sender.Sender
	ended   chan error // of the transfer
	last    sender.State
	close   func()
}

func newStage(home string) *stage {
	s := &stage{home: home, network: sandbox.New(sandbox.Options{CloseEvery: 50 * time.Millisecond})}
	s.server = httptest.NewServer(s.network.Handler())
	ctx, end := context.WithTimeout(context.Background(), patience)
	s.ctx = ctx
	ran := make(chan error, 1)
	go func() { ran <- s.network.Run(ctx) }()
	s.close = func() {
		end()
		<-ran
		s.server.CloseClientConnections()
		s.server.Close()
	}
	return s
}

func stageOf(ts *testscript.TestScript) *stage {
	s, ok := ts.Value(stageKey{}).(*stage)
	if !ok {
		ts.Fatalf("the script has no stage")
	}
	return s
}

func usage(ts *testscript.TestScript, neg bool, ok bool, text string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", text)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "exits CODE PROGRAM [ARGUMENT…]")
	expected, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit := new(exec.ExitError)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != expected {
		ts.Fatalf("exit code %d, not %d", code, expected)
	}
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "until [NAME=]PATTERN PROGRAM [ARGUMENT…]")
	name, text, named := strings.Cut(args[0], "=")
	if !named {
		name, text = "", args[0]
	}
	pattern, err := regexp.Compile("(?m)" + text)
	ts.Check(err)
	for s := stageOf(ts); ; {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if found := pattern.FindStringSubmatch(ts.ReadFile("stdout")); found != nil {
			if named {
				ts.Setenv(name, found[1])
			}
			return
		}
		s.wait(ts, "the output does not match")
	}
}

// wait waits a little, or fails the script when it takes too long.
func (s *stage) wait(ts *testscript.TestScript, why string) {
	select {
	case <-s.ctx.Done():
		ts.Fatalf("waited in vain: %s", why)
	case <-time.After(50 * time.Millisecond):
	}
}

func answers(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "answers URL")
	for s := stageOf(ts); !answersOK(args[0]); {
		s.wait(ts, args[0]+" does not answer")
	}
}

func makeSender(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 0, "sender")
	s := stageOf(ts)
	issuer, err := keypair.ParseFull(strings.TrimSpace(ts.ReadFile(assetCode + "-issuer.seed")))
	ts.Check(err)
	account, err := keypair.Random()
	ts.Check(err)
	s.sender, err = sender.New(s.ctx, sender.Options{
		Home: s.home, Horizon: s.server.URL, Passphrase: s.network.Passphrase(), Account: account, AssetCode: assetCode,
		PollEvery: 100 * time.Millisecond,
	})
	ts.Check(err)
	ts.Check(s.sender.SetUp(s.ctx, issuer, "10000"))
}

func pay(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "pay ACCOUNT MEMO AMOUNT")
	s := stageOf(ts)
	ts.Check(s.sender.Pay(s.ctx, sender.State{Account: args[0], MemoType: "id", Memo: args[1]}, args[2]))
}

func transfer(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "transfer AMOUNT")
	s := stageOf(ts)
	s.ended = make(chan error, 1)
	go func() { s.ended <- s.transfer(args[0]) }()
}

func (s *stage) transfer(amount string) error {
	from, err := s.sender.Register(s.ctx, sender.Person{Memo: 1, Type: "sep31-sender", Fields: map[string]string{
		"first_name": "Ana", "last_name": "Souza", "email_address": "ana@example.com",
	}})
	if err != nil {
		return err
	}
	to, err := s.sender.Register(s.ctx, sender.Person{Memo: 2, Type: "sep31-receiver", Fields: map[string]string{
		"first_name": "Bruno", "last_name": "Lima", "bank_account_number": "000123456", "bank_number": "341",
	}})
	if err != nil {
		return err
	}
	s.last, err = s.sender.Send(s.ctx, sender.Transfer{
		Key: "script-" + amount, Amount: amount, SenderID: from, ReceiverID: to, FundingMethod: fundingMethod,
	}, nil)
	return err
}

func completed(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 0, "completed")
	s := stageOf(ts)
	ts.Check(<-s.ended)
	if s.last.Status != "completed" {
		ts.Fatalf("the transfer is %s: %s", s.last.Status, s.last.Message)
	}
	ts.Setenv("TRANSACTION", s.last.ID)
}
