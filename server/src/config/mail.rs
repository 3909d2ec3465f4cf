//! Sections `organisation` and `mail`: who writes notices, and whether they leave.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use takedown::settings::{Delivery, MailSettings, SmtpUrl};

use super::{Problems, SecretUrl, Span};

/// Who we are, as notices say it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Our name.
    pub name: String,
    /// Who we are, in one sentence that a stranger can check.
    pub about: String,
    /// Our host name, in Message-IDs and reports.
    pub domain: String,
}

/// How notices leave, if they do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Whether they leave.
    pub delivery: Way,
    /// The folder of `file`.
    pub folder: String,
    /// The mailbox of `redirect`.
    pub redirect_to: String,
    /// The mail server.
    pub smtp: SecretUrl,
    /// A file that holds its URL.
    pub smtp_file: String,
    /// The mailbox that notices are from.
    pub from: String,
    /// The mailbox that people read, when it is another.
    pub reply_to: String,
    /// Names in one notice.
    pub names_per_notice: NonZeroUsize,
    /// How long the mail server may take for one command.
    pub timeout: Span,
}

/// Whether notices leave.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Nothing leaves.
    Off,
    /// Into a folder.
    File,
    /// To one mailbox of ours.
    Redirect,
    /// To the desks.
    On,
}

impl Mail {
    /// What the work is given.
    ///
    /// # Errors
    /// What the way out needs is not set, or the file with the URL cannot be read.
    pub fn settings(&self, organisation: &Organisation) -> Result<MailSettings, Problems> {
        let needed = |setting: &str, value: &str, way| {
            let problem = || Problems::of(setting, format!("must be set, since mail.delivery is \"{way}\""));
            (!value.is_empty()).then(|| value.to_owned()).ok_or_else(problem)
        };
        let delivery = match self.delivery {
            Way::Off => Delivery::Off,
            Way::File => Delivery::File { dir: needed("mail.folder", &self.folder, "file")?.into() },
            Way::Redirect => {
                Delivery::Redirect { to: needed("mail.redirect_to", &self.redirect_to, "redirect")? }
            }
            Way::On => Delivery::On,
        };
        let smtp = super::from_file("mail.smtp_file", &self.smtp_file)?.unwrap_or_else(|| self.smtp.clone());
        Ok(MailSettings {
            delivery,
            smtp: SmtpUrl(smtp.expose().to_owned()),
            org: organisation.name.clone(),
            about: organisation.about.clone(),
            domain: organisation.domain.clone(),
            from: self.from.clone(),
            reply_to: (!self.reply_to.is_empty()).then(|| self.reply_to.clone()),
            names_per_notice: self.names_per_notice.get(),
            timeout: self.timeout.0,
        })
    }
}
