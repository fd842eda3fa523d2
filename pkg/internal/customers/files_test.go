package customers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func (d *desk) mustAdd(who anchor.SendingAnchor, data []byte) customers.FileView {
	d.Helper()
	f, err := d.AddFile(d.Context(), who, data)
	require.NoError(d, err)
	return f
}

func (d *desk) filesOf(who anchor.SendingAnchor, fileID, customerID string) []customers.FileView {
	d.Helper()
	list, err := d.Files(d.Context(), who, fileID, customerID)
	require.NoError(d, err)
	require.NotNil(d, list)
	return list
}

func front(fileID string) map[string]string {
	values := adaReceiver()
	values["photo_id_front_file_id"] = fileID
	return values
}

// contents are beginnings of files by what they are; "" is refused.
func contents() map[string][]string {
	return map[string][]string{
		"image/jpeg":      {"\xff\xd8\xff\xe0\x00\x10JFIF"},
		"image/png":       {"\x89PNG\r\n\x1a\n"},
		"image/gif":       {"GIF87a", "GIF89a"},
		"image/webp":      {"RIFF\x24\x00\x00\x00WEBPVP8 "},
		"image/heic":      {"\x00\x00\x00\x18ftypheic\x00\x00", "\x00\x00\x00\x18ftypmif1\x00\x00"},
		"application/pdf": {"%PDF-1.7\n"},
		"video/mp4":       {"\x00\x00\x00\x18ftypmp42", "\x00\x00\x00\x20ftypisom"},
		"video/quicktime": {"\x00\x00\x00\x14ftypqt  "},
		"video/webm":      {"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm"},
		"": {
			"<html><script>alert(1)</script>", "<svg xmlns='http://www.w3.org/2000/svg'/>", "MZ\x90\x00", "\x7fELF", "PK\x03\x04", "plain text", "\x00",
			"\x89PNG", "RIFF\x24\x00\x00\x00WAVEfmt ", "\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska", "\x00\x00\x00\x18ftypevil", "ftypmp42", " %PDF-1.7", "",
		},
	}
}

func TestAFile_is_what_its_content_says(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	who := plain(account())
	for contentType, beginnings := range contents() {
		for _, data := range beginnings {
			f, err := d.AddFile(t.Context(), who, []byte(data))
			if contentType == "" {
				d.requireCode(anchor.CodeInvalid, err)
				continue
			}
			require.NoError(t, err, contentType)
			require.Equal(t, contentType, f.ContentType)
			require.EqualValues(t, len(data), f.Size)
			require.Nil(t, f.CustomerID)
			require.True(t, f.ExpiresAt.After(time.UnixMicro(0)))

			_, err = d.Put(t.Context(), who, customers.Put{Type: receiver, Values: front(f.ID)})
			if strings.HasPrefix(contentType, "video/") {
				d.requireCode(anchor.CodeInvalid, err)
				_, err = d.Put(t.Context(), who, customers.Put{Type: receiver, Values: map[string]string{"proof_of_liveness_file_id": f.ID}})
			}
			require.NoError(t, err, contentType)
		}
	}
}

func TestAFile_sent_ahead_becomes_the_value_of_the_field_that_names_it(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := withMemo(account(), "1")
		f := d.mustAdd(who, photo(100))
		require.Equal(t, []customers.FileView{f}, d.filesOf(who, f.ID, ""))

		id := d.mustPut(who, customers.Put{Type: receiver, Values: front(f.ID)})
		require.Contains(t, d.mustGet(who, customers.Query{Type: receiver}).Provided, "photo_id_front")
		require.True(t, strings.HasPrefix(d.business.judged[0].Customer.Value("photo_id_front"), "data:image/png;base64,iVBORw0KGgoAAA"))
		require.Contains(t, d.business.judged[0].Changed, "photo_id_front")
		taken := d.filesOf(who, f.ID, "")
		require.Equal(t, &id, taken[0].CustomerID)
		require.Nil(t, taken[0].ExpiresAt)
		require.Equal(t, taken, d.filesOf(who, "", id))

		before := d.history(id)
		require.Equal(t, id, d.mustPut(who, customers.Put{Values: front(f.ID)}))
		require.Equal(t, before, d.history(id), "the same request again changes nothing")

		next := d.mustAdd(who, photo(200))
		d.mustPut(who, customers.Put{Values: front(next.ID)})
		require.Len(t, d.filesOf(who, "", id), 1, "the other one holds the field no more")
		require.Empty(t, d.filesOf(who, f.ID, ""))
		d.mustPut(who, customers.Put{Files: map[string]customers.File{"photo_id_front": {Data: photo(9)}}})
		require.Empty(t, d.filesOf(who, "", id))
	})
}

func TestFileIDs_that_do_not_fit_are_refused_and_nothing_is_stored(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := withMemo(account(), "1")
		mine, taken := d.mustAdd(who, photo(10)).ID, d.mustAdd(who, photo(10)).ID
		video := d.mustAdd(who, []byte("\x00\x00\x00\x18ftypmp42")).ID
		d.mustPut(withMemo(who.Account, "1"), customers.Put{Type: receiver, Values: front(taken)})
		expired, err := customers.New(d.db, d.business, nil, customers.FileLifetime(time.Nanosecond)).AddFile(t.Context(), who, photo(10))
		require.NoError(t, err)
		require.Empty(t, d.filesOf(who, expired.ID, ""))
		for name, values := range map[string]map[string]string{
			"an unknown file":                    {"photo_id_back_file_id": "CANARY"},
			"one that has run out":               {"photo_id_back_file_id": expired.ID},
			"one of another account":             {"photo_id_back_file_id": d.mustAdd(plain(account()), photo(10)).ID},
			"one of another user of the account": {"photo_id_back_file_id": d.mustAdd(withMemo(who.Account, "2"), photo(10)).ID},
			"one of the account itself":          {"photo_id_back_file_id": d.mustAdd(plain(who.Account), photo(10)).ID},
			"one that is another field":          {"photo_id_back_file_id": taken},
			"one for two fields":                 {"photo_id_back_file_id": mine, "photo_proof_residence_file_id": mine},
			"a video of a document":              {"photo_id_back_file_id": video},
			"one for a text":                     {"last_name_file_id": mine},
			"one for no field":                   {"_file_id": mine},
			"an id that is too long":             {"photo_id_back_file_id": strings.Repeat("x", 101)},
			"an id that is no text":              {"photo_id_back_file_id": "\xff"},
		} {
			values["city"] = "Canberra"
			_, err := d.Put(t.Context(), who, customers.Put{Values: values})
			require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err), "%s: %v", name, err)
			require.NotContains(t, err.Error(), "CANARY", name)
		}
		_, err = d.Put(t.Context(), who, customers.Put{
			Values: map[string]string{"photo_id_back_file_id": mine}, Files: map[string]customers.File{"photo_id_back": {Data: photo(10)}},
		})
		d.requireCode(anchor.CodeInvalid, err)
		require.NotContains(t, d.mustGet(who, customers.Query{Type: receiver}).Provided, "city")
		require.Len(t, d.filesOf(who, mine, ""), 1, "it still waits")
	})
}

func TestFiles_of_others_are_not_there(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := withMemo(account(), "1")
		f := d.mustAdd(owner, photo(10))
		id := d.mustPut(owner, customers.Put{Type: receiver, Values: front(d.mustAdd(owner, photo(10)).ID)})
		for _, other := range []anchor.SendingAnchor{plain(account()), withMemo(owner.Account, "2"), withMemo(account(), "1")} {
			require.Empty(t, d.filesOf(other, f.ID, ""))
			require.Empty(t, d.filesOf(other, "", id))
		}
		require.Len(t, d.filesOf(plain(owner.Account), f.ID, ""), 1, "the account speaks for its users")
		require.Len(t, d.filesOf(plain(owner.Account), "", id), 1)
		require.Empty(t, d.filesOf(owner, "", store.NewID()))
		for _, ids := range [][2]string{{"", ""}, {f.ID, id}, {"\x00", ""}, {strings.Repeat("x", 101), ""}} {
			_, err := d.Files(t.Context(), owner, ids[0], ids[1])
			d.requireCode(anchor.CodeInvalid, err)
		}
		_, err := d.Files(t.Context(), anchor.SendingAnchor{}, f.ID, "")
		d.requireCode(anchor.CodeUnauthenticated, err)
		_, err = d.AddFile(t.Context(), anchor.SendingAnchor{}, photo(10))
		d.requireCode(anchor.CodeUnauthenticated, err)
	})
}

func TestAFile_that_several_customers_name_at_once_becomes_one_value(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := plain(account())
		f := d.mustAdd(owner, photo(1000))
		var group errgroup.Group
		got := make([]bool, 6)
		for i := range got {
			group.Go(func() error {
				_, err := d.Put(t.Context(), owner, customers.Put{Who: customers.Who{Memo: string(rune('1' + i))}, Type: receiver, Values: front(f.ID)})
				got[i] = err == nil
				if anchor.CodeOf(err) == anchor.CodeInvalid {
					return nil
				}
				return err
			})
		}
		require.NoError(t, group.Wait())
		taken := 0
		for i, ok := range got {
			v := d.mustGet(owner, customers.Query{Who: customers.Who{Memo: string(rune('1' + i))}, Type: receiver})
			require.Equal(t, ok, v.ID != "", "who did not get it was refused as a whole")
			if ok {
				taken++
			}
		}
		require.Equal(t, 1, taken)
	})
}

func TestAFile_that_is_too_large_or_one_too_many_is_refused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t), customers.FileBytes(100))
	who := plain(account())
	_, err := d.AddFile(t.Context(), who, photo(101))
	d.requireCode(anchor.CodeTooLarge, err)
	for range 200 {
		d.mustAdd(who, photo(100))
	}
	_, err = d.AddFile(t.Context(), who, photo(100))
	d.requireCode(anchor.CodeInvalid, err)
	d.mustAdd(plain(account()), photo(100))
}

func TestASweep_removes_files_that_ran_out_and_no_others(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		kept := d.mustAdd(who, photo(10))
		brief := customers.New(d.db, d.business, nil, customers.FileLifetime(time.Nanosecond))
		for range 120 { // more than one page
			_, err := brief.AddFile(t.Context(), who, photo(10))
			require.NoError(t, err)
		}
		require.NoError(t, d.Sweep(t.Context()))
		n, err := d.db.PruneFiles(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		require.Len(t, d.filesOf(who, kept.ID, ""), 1)
	})
}

func TestDeletion_takes_files_codes_and_the_callback_along(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db, anyAddress())
		who := plain(account())
		f := d.mustAdd(who, photo(10))
		d.business.answer(sends("mobile_number", "123456"))
		values := front(f.ID)
		values["mobile_number"] = "+100"
		id := d.mustPut(who, customers.Put{Type: receiver, Values: values})
		require.NoError(t, d.SetCallback(t.Context(), who, customers.Who{ID: id}, "https://sender.test/"))
		d.business.answer(verdict(anchor.CustomerProcessing, ""))
		d.mustPut(who, customers.Put{Values: map[string]string{"bank_account_number": "2"}})
		require.NotEmpty(t, d.callbacksOf(id))

		require.NoError(t, d.Delete(t.Context(), who, customers.Delete{}))
		require.Empty(t, d.filesOf(who, f.ID, ""))
		list, err := db.FilesOfCustomer(t.Context(), id)
		require.NoError(t, err)
		require.Empty(t, list)
		for _, row := range d.callbacksOf(id) {
			require.Equal(t, store.CallbackDead, row.State)
		}
		_, err = d.Body(t.Context(), id, receiver)
		d.requireCode(anchor.CodeNotFound, err)
		d.requireErased(true, id)
	})
}
