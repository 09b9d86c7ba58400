package central

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// Book keeps small things under names: enrolment codes, gates that there ever
// were, the network's keys.
type Book interface {
	// Entry reads an entry into a value; ok is false when there is none.
	Entry(name string, into any) (ok bool, err error)
	// Entries calls each with the name and the JSON form of every entry whose
	// name begins so, in the order of names.
	Entries(prefix string, each func(name string, raw []byte) error) error
	// ChangeEntry reads an entry into a value, or leaves that as it is where
	// there is none, and stores what change made of it, unless that fails.
	ChangeEntry(name string, into any, change func() error) error
	// RemoveEntry removes an entry that may not be there.
	RemoveEntry(name string) error
}

// Entry implements Book.
func (b *Bolt) Entry(name string, into any) (ok bool, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		ok, err = getJSON(tx.Bucket(bucketBook), []byte(name), into)
		return err
	})
	return ok, err
}

// Entries implements Book.
func (b *Bolt) Entries(prefix string, each func(name string, raw []byte) error) error {
	type entry struct {
		name string
		raw  []byte
	}
	var found []entry
	err := b.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketBook).Cursor()
		for k, v := c.Seek([]byte(prefix)); k != nil && strings.HasPrefix(string(k), prefix); k, v = c.Next() {
			found = append(found, entry{string(k), append([]byte(nil), v...)})
		}
		return nil
	})
	for i := range found {
		if err == nil {
			err = each(found[i].name, found[i].raw)
		}
	}
	return err
}

// ChangeEntry implements Book.
func (b *Bolt) ChangeEntry(name string, into any, change func() error) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(bucketBook)
		if _, err := getJSON(bucket, []byte(name), into); err != nil {
			return err
		}
		if err := change(); err != nil {
			return err
		}
		return putJSON(bucket, []byte(name), into)
	})
}

// RemoveEntry implements Book.
func (b *Bolt) RemoveEntry(name string) error {
	return b.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketBook).Delete([]byte(name)) })
}

// Accounts keeps who may log in and which keys other machines call with.
type Accounts interface {
	// Account returns an account by its name; ok is false when there is none.
	Account(name string) (a Account, ok bool, err error)
	// SetAccount adds or replaces an account.
	SetAccount(a Account) error
	// APIKey returns a key by its id; ok is false when there is none.
	APIKey(id string) (k APIKey, ok bool, err error)
	// APIKeys returns all keys in the order of their ids.
	APIKeys() ([]APIKey, error)
	// SetAPIKey adds or replaces a key.
	SetAPIKey(k APIKey) error
	// RemoveAPIKey removes a key that may not be there.
	RemoveAPIKey(id string) error
}

// Account is somebody who may use the office's page.
type Account struct {
	Name     string    `json:"name"`
	Password string    `json:"password"` // Argon2id, in the PHC form
	Made     time.Time `json:"made"`
}

// APIKey lets another machine call. Of the key itself only a hash is kept.
type APIKey struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    string    `json:"role"`              // sales, report or office
	Channel uint16    `json:"channel,omitempty"` // whose sales it makes
	Hash    []byte    `json:"hash"`              // SHA-256 of the secret, which is random
	Made    time.Time `json:"made"`
}

// Account implements Accounts.
func (b *Bolt) Account(name string) (a Account, ok bool, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		ok, err = getJSON(tx.Bucket(bucketAccounts), []byte(name), &a)
		return err
	})
	return a, ok, err
}

// SetAccount implements Accounts.
func (b *Bolt) SetAccount(a Account) error {
	return b.db.Update(func(tx *bbolt.Tx) error { return putJSON(tx.Bucket(bucketAccounts), []byte(a.Name), a) })
}

// APIKey implements Accounts.
func (b *Bolt) APIKey(id string) (k APIKey, ok bool, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		ok, err = getJSON(tx.Bucket(bucketKeys), []byte(id), &k)
		return err
	})
	return k, ok, err
}

// APIKeys implements Accounts.
func (b *Bolt) APIKeys() (keys []APIKey, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketKeys).ForEach(func(_, v []byte) error {
			var k APIKey
			if err := json.Unmarshal(v, &k); err != nil {
				return err
			}
			keys = append(keys, k)
			return nil
		})
	})
	return keys, err
}

// SetAPIKey implements Accounts.
func (b *Bolt) SetAPIKey(k APIKey) error {
	return b.db.Update(func(tx *bbolt.Tx) error { return putJSON(tx.Bucket(bucketKeys), []byte(k.ID), k) })
}

// RemoveAPIKey implements Accounts.
func (b *Bolt) RemoveAPIKey(id string) error {
	return b.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketKeys).Delete([]byte(id)) })
}

func getJSON(bucket *bbolt.Bucket, key []byte, into any) (ok bool, err error) {
	v := bucket.Get(key)
	if v == nil {
		return false, nil
	}
	if err := json.Unmarshal(v, into); err != nil {
		return false, fmt.Errorf("%s: an entry is damaged", fileBolt)
	}
	return true, nil
}

func putJSON(bucket *bbolt.Bucket, key []byte, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return bucket.Put(key, raw)
}
