//! Pinned numbers: the same bits in every version and with every instruction set.

use langevin::advanced::{Address, Philox, Purpose};

use crate::numbers::{LAST_INDEX, first_chains, normals, uniforms};
use crate::support::{bits, every_instruction_set, fold};

/// Address and bits of its first three normals and of its uniform.
type Pin = ((u64, Address, u32), [u64; 3], u64);

/// Changing a number here needs a "Value-breaking" line in CHANGELOG.md: every result of every run
/// changes with it.
fn pins() -> [Pin; 5] {
    let at = Address::new;
    [
        (
            (0, at(0, Purpose::Increment, 0), 0),
            [0xBFBF_1BCD_5498_3807, 0xBFF5_99BB_D8A9_EDA7, 0x3FF1_2386_9522_3C92],
            0x3FDE_FE91_39C9_CF4A,
        ),
        (
            (1, at(1, Purpose::Path, 2), 3),
            [0x3FBA_2D18_3263_72A2, 0xBFEC_8DC9_CCDF_2C3D, 0x3FEF_5568_DC2A_AB31],
            0x3FEF_5AF8_7F12_0117,
        ),
        (
            (7, at(300, Purpose::Coin, 15), 999),
            [0xBFEF_8139_5E5B_2D41, 0x3FDA_8E55_8BA5_1BE8, 0x3FE0_E3D8_1382_4DC8],
            0x3FEF_B031_45C2_D017,
        ),
        (
            (0xDEAD_BEEF, at(0, Purpose::Start, 0), 1 << 20),
            [0xBFE7_8913_D472_DD73, 0xBFE8_35F4_7EB5_F289, 0x3FAC_8013_6808_9FAF],
            0x3FB9_0112_9F87_5608,
        ),
        (
            (u64::MAX, at(u32::MAX, Purpose::User, LAST_INDEX), u32::MAX),
            [0xBFDE_59C1_7A55_745B, 0xBFFF_C16F_BD04_9997, 0xBFE7_B3E4_716C_EB04],
            0x3FD0_23C9_DB50_720E,
        ),
    ]
}

#[test]
fn pinned_values() {
    for ((seed, address, chain), three_normals, uniform) in pins() {
        let noise = Philox::new(seed);
        assert_eq!(
            bits(&normals::<f64>(&noise, address, &[chain], 3)),
            three_normals,
            "{seed:#x} {address:?} {chain}"
        );
        assert_eq!(
            bits(&uniforms::<f64>(&noise, address, &[chain])),
            [uniform],
            "{seed:#x} {address:?} {chain}"
        );
    }
    // A hundred thousand at once show what shows in few of them: the last bit of a logarithm, or a
    // wrong lane.
    let many = normals::<f64>(
        &Philox::new(1),
        Address::new(0, Purpose::Increment, 0),
        &first_chains(10_001),
        10,
    );
    assert_eq!(fold(bits(&many)), 0x6185_9977_C9A5_5BB3);
}

#[test]
fn every_instruction_set_gives_the_pinned_values() {
    println!("same numbers with {:?}", every_instruction_set("pinned::pinned_values"));
}
