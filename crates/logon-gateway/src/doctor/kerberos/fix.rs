//! What to type, in each of the three worlds.

use std::path::Path;

/// Where a key belongs.
pub(super) struct Place<'a> {
    pub(super) realm: &'a str,
    /// The keytab.
    pub(super) file: &'a Path,
}

impl Place<'_> {
    /// The line for `ktpass`, which gives the account a new key.
    fn ktpass(&self, host: &str) -> String {
        format!(
            "ktpass /princ HTTP/{host}@{} /mapuser ACCOUNT /crypto AES256-SHA1 \
             /ptype KRB5_NT_PRINCIPAL /pass * /out http.keytab",
            self.realm
        )
    }

    /// A name without a key gets an account and a key.
    pub(super) fn make_key(&self, host: &str) -> String {
        let (file, ktpass) = (self.file.display(), self.ktpass(host));
        format!(
            "give an account the name, and export its key:\n  \
             Active Directory\n    \
             setspn -S HTTP/{host} ACCOUNT\n    \
             {ktpass}\n  \
             Samba\n    \
             samba-tool spn add HTTP/{host} ACCOUNT\n    \
             samba-tool domain exportkeytab {file} --principal=HTTP/{host}\n  \
             MIT\n    \
             kadmin -q 'addprinc -randkey HTTP/{host}'\n    \
             kadmin -q 'ktadd -k {file} HTTP/{host}'"
        )
    }

    /// The account has the name already; its key is an old one.
    pub(super) fn export_again(&self, host: &str) -> String {
        let (file, ktpass) = (self.file.display(), self.ktpass(host));
        format!(
            "export the key again (ktpass and ktadd make a new one):\n  \
             Active Directory\n    \
             {ktpass}\n  \
             Samba\n    \
             samba-tool domain exportkeytab {file} --principal=HTTP/{host}\n  \
             MIT\n    \
             kadmin -q 'ktadd -k {file} HTTP/{host}'"
        )
    }

    /// Only weak keys.
    pub(super) fn use_aes(&self, host: &str) -> String {
        let (file, ktpass) = (self.file.display(), self.ktpass(host));
        format!(
            "let the account have AES (msDS-SupportedEncryptionTypes 24), and a new \
             password, from which its keys are made:\n  \
             Active Directory\n    \
             Set-ADUser ACCOUNT -KerberosEncryptionType AES128,AES256\n    \
             {ktpass}\n  \
             Samba\n    \
             net ads enctypes set ACCOUNT 24\n    \
             samba-tool user setpassword ACCOUNT\n    \
             samba-tool domain exportkeytab {file} --principal=HTTP/{host}\n  \
             MIT\n    \
             kadmin -q 'ktadd -k {file} -e aes256-cts-hmac-sha1-96:normal HTTP/{host}'"
        )
    }

    /// The KDC does not know the name.
    pub(super) fn register(&self, host: &str) -> String {
        format!(
            "give it to the account whose key this is:\n  \
             Active Directory\n    \
             setspn -S HTTP/{host} ACCOUNT\n  \
             Samba\n    \
             samba-tool spn add HTTP/{host} ACCOUNT\n  \
             MIT\n    \
             kadmin -q 'addprinc -randkey HTTP/{host}'\n    \
             kadmin -q 'ktadd -k {} HTTP/{host}'",
            self.file.display()
        )
    }

    /// Several accounts have the name.
    pub(super) fn make_unique(&self, host: &str) -> String {
        format!(
            "find them, and take it away from all but one:\n  \
             Active Directory\n    \
             setspn -X\n    \
             setspn -Q HTTP/{host}\n    \
             setspn -D HTTP/{host} WRONG-ACCOUNT\n  \
             Samba\n    \
             ldbsearch -H ldap://DC servicePrincipalName=HTTP/{host} dn\n    \
             samba-tool spn delete HTTP/{host} WRONG-ACCOUNT"
        )
    }
}
